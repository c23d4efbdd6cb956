/*!
diff 9.0.0

BSD 3-Clause License

Copyright (c) 2009-2015, Kevin Decker <kpdecker@gmail.com>
All rights reserved.

Redistribution and use in source and binary forms, with or without
modification, are permitted provided that the following conditions are met:

1. Redistributions of source code must retain the above copyright notice, this
   list of conditions and the following disclaimer.

2. Redistributions in binary form must reproduce the above copyright notice,
   this list of conditions and the following disclaimer in the documentation
   and/or other materials provided with the distribution.

3. Neither the name of the copyright holder nor the names of its
   contributors may be used to endorse or promote products derived from
   this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS"
AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE
FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL
DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR
SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER
CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY,
OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE
OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
*/
"use strict";(()=>{function _(e){if(e==null)return"–";let t=100*e;return t>0&&t<.05?"< 0.1%":t>0&&t<.95?`${t.toFixed(1)}%`:t<100&&t>99?`${t.toFixed(1)}%`:`${Math.round(t)}%`}function Re(e,t){
return e==null||t===null||t===void 0?"":`${Math.round(100*e)}–${Math.round(100*t)}%`}function D(e){return e==null?"–":e<1e-4?"< 0.0001":e.toPrecision(2).replace(
/^(0\.\d*?)0+$/,"$1")}function u(e){return e==null?"–":e.toLocaleString("en-US")}function F(e){return e==null?"–":Number.isInteger(e)?u(e):Math.abs(e)>=100?
u(Math.round(e)):String(Number(e.toPrecision(3)))}function w(e,t,n){return`${u(e)} ${e===1?t:n??`${t}s`}`}function ne(e,t){let n=e.replace(/\s+/g," ").trim();return n.
length<=t?n:`${n.slice(0,t-1).trimEnd()}…`}function N(e){return e.replaceAll("_"," ")}function _e(e,t){let[n,r]=[e==null,t==null];return n||r?Number(n)-Number(
r):typeof e=="number"&&typeof t=="number"?e-t:String(e).localeCompare(String(t),"en",{numeric:!0})}function ke(e){return e===1?"failed":e===0?"passed":"no score"}var m;function It(e){m=e}function oe(){return m.audits.flatMap(e=>e.slices)}function Te(){return[...m.coverage].reverse().flatMap(e=>e.gaps.map(t=>({...t,day:e.
day})))}function V(){return[...new Set(m.audits.map(e=>e.dataset))]}function wt(){return[...new Set(m.audits.map(e=>e.model))].sort()}function Gt(e,t){return m.
audits.find(n=>n.dataset===e&&n.model===t)}function We(){let{total:e,shown:t,sampled:n,seed:r}=m.examples;return n?`${u(t)} of ${u(e)} answers: those that findi\
ngs cite, and a sample of the rest (seed ${r}). Counts elsewhere are of all.`:`${w(e,"answer")}, one per model and example.`}function He(e){return e.name===e.kind?
N(e.name):e.name}var $t=["x","y","x_3d","y_3d","z_3d"],Me=class{constructor(t,n){this.texts=n;this.names=t.names,this.columns=t.columns}texts;names;columns;get n(){return this.columns.
example_id.length}async text(t){return t<0?null:this.texts.read(t)}textNow(t){return t<0?null:this.texts.now(t)}name(t,n){return this.names[t][this.columns[t][n]]??
""}slices(t){return this.columns.slice[t].map(n=>this.names.slice[n])}where(t){let n=[];for(let r=0;r<this.n;r++)t(r)&&n.push(r);return n}of(t,n){let[r,a]=[this.
names.dataset.indexOf(t),this.names.model.indexOf(n)];return this.where(o=>this.columns.dataset[o]===r&&this.columns.model[o]===a)}ofExample(t,n){let r=this.names.
dataset.indexOf(t);return this.where(a=>this.columns.example_id[a]===n&&this.columns.dataset[a]===r)}},Ne=class extends Me{list;constructor(t){let n=[];super({n:0,
...nr()},t??{read:async r=>n[r],now:r=>n[r]}),this.list=n}add(t){return t.map(n=>{let{columns:r}=this,{judgment:a}=n;r.example_id.push(n.example_id),r.dataset.push(
this.number("dataset",n.dataset)),r.model.push(this.number("model",n.model)),r.category_id.push(this.number("category_id",n.category_id)),r.error_title.push(this.
number("error_title",a?.error_title)),r.slice.push(n.slices.map(o=>this.number("slice",o))),r.failed.push(n.failed===null?-1:Number(n.failed)),r.score.push(n.score??
null),r.epochs.push(n.epochs??1),r.outcome.push(a?.outcome??null),r.judged_by.push(a?.judged_by??null),r.label.push(n.label??null);for(let o of $t)r[o].push(n[o]??
null);for(let o of["prompt","full_prompt","response","reference"])r[o].push(this.textNumber(n[o]));return r.error_summary.push(this.textNumber(a?.error_summary||
null)),r.details.push(this.textNumber(tr(n))),this.n-1})}textNumber(t){return typeof t=="string"?this.list.push(t)-1:-1}number(t,n){if(!n)return-1;let r=this.names[t],
a=r.indexOf(n);return a>=0?a:r.push(n)-1}};function tr(e){let{criteria:t,reason:n}=e.judgment??{},r=Object.entries({metadata:e.metadata,criteria:t,reason:n}).filter(
([,a])=>a&&(typeof a!="object"||Object.keys(a).length));return r.length?JSON.stringify(Object.fromEntries(r)):null}function nr(){return{names:{dataset:[],model:[],
category_id:[],error_title:[],slice:[]},columns:{dataset:[],model:[],category_id:[],error_title:[],slice:[],example_id:[],failed:[],score:[],epochs:[],outcome:[],
judged_by:[],label:[],x:[],y:[],x_3d:[],y_3d:[],z_3d:[],prompt:[],full_prompt:[],response:[],reference:[],error_summary:[],details:[]}}}var ze={"judgment right":e=>e?.right===!0,"judgment wrong":e=>e?.right===!1,"not labelled":(e,t)=>!e&&!!t};function E(){let[e,t]=location.hash.replace(/^#\/?/,"").split("?");return{view:e||(document.documentElement.dataset.views?.split(" ")[0]??"overview"),parameters:Object.
fromEntries(new URLSearchParams(t??""))}}function R(e,t={}){let{dataset:n,model:r}=q();return G(e,{dataset:n,model:r,...t})}function G(e,t){let n=new URLSearchParams;
for(let[a,o]of Object.entries(t))o!=null&&o!==""&&n.set(a,String(o));let r=n.toString();return`#/${e}${r?`?${r}`:""}`}function q(){let{dataset:e="",model:t=""}=E().
parameters;return{dataset:e,model:t}}function j(e){let{dataset:t,model:n}=q();return(!t||e.dataset===t)&&(!n||!("model"in e)||e.model===n)}function O(e){let{view:t,
parameters:n}=E();history.replaceState(null,"",G(t,{...n,...e}))}function Et(e){let{view:t,parameters:n}=E();location.hash=G(t,{...n,...e})}function ue(e){return G(
"slice",{dataset:e.dataset,model:e.model,id:e.slice_id})}function Z(e,t){return G("example",{dataset:e,id:t})}function ee(e){return R("category",{id:e})}function Pe(e){
return G("pair",{dataset:e.dataset,a:e.model_a,b:e.model_b})}function je(e){return G("gap",{day:e.day,id:e.gap_id})}function Ie(e){return(m.taxonomy?.categories??[]).find(t=>t.category_id===e)}function Ge(e){let t=[];for(let n=Ie(e);n;n=n.parent_id?Ie(n.parent_id):void 0)t.unshift(
n);return t}function Ut(e,t){return e===t||e.startsWith(`${t}/`)}function Oe(){let e=m.taxonomy;if(!e)return null;let t=new Map;for(let c of e.counts)j(c)&&t.set(
c.category_id,(t.get(c.category_id)??0)+c.errors);let{dataset:n,model:r}=q(),a=n||r?0:e.unclassified,i=e.categories.filter(c=>c.depth===1).reduce((c,d)=>c+(t.get(
d.category_id)??0),a),l=e.categories.map(c=>({...c,errors:t.get(c.category_id)??0,share:i?(t.get(c.category_id)??0)/i:0})).filter(c=>c.errors>0);return{rows:St(
l),total:i,unclassified:a,blindSpot:e.blind_spot??""}}function St(e){let t=n=>e.filter(r=>r.parent_id===n).sort((r,a)=>Number(r.other)-Number(a.other)||a.errors-
r.errors||_e(r.category_id,a.category_id)).flatMap(r=>[r,...t(r.category_id)]);return t(null)}var rr={failed:1,passed:0,"no score":-1},sr={example_id:({columns:e},t)=>e.example_id[t],model:(e,t)=>e.name("model",t),dataset:(e,t)=>e.name("dataset",t),verdict:({
columns:e},t)=>e.failed[t]<0?null:e.failed[t],score:({columns:e},t)=>e.score[t],error:(e,t)=>e.name("error_title",t)||null,label:({columns:e},t)=>e.label[t]?Number(
e.label[t].right):null},Ue=class{keepsLabels=!1;searchMilliseconds=0;parts=new Map;loaded=null;findings(){return this.part("findings")}async map(){return(await this.
rows()).examples}async find(t,n){let{examples:r,texts:a}=await this.rows(),o=t.q?await a.inLowerCase():[];return new Je(r,a,ir(r,t,ar(r,t,o)),n)}async disagreements({
dataset:t,a:n,b:r,right:a},o){let{examples:i,texts:l}=await this.rows(),{columns:c}=i,d=new Map(i.of(t,r).map(h=>[c.example_id[h],h])),f=[];for(let h of i.of(t,
n)){let v=d.get(c.example_id[h]);v===void 0||!lr(i,h,v)||c.failed[h]+c.failed[v]===1&&(!a||c.failed[a===n?h:v]===0)&&f.push({a:h,b:v})}return new Je(i,l,f,o)}keepLabel(){
return Promise.reject(new Error("A file keeps no labels: open it with faultmap view."))}rows(){return this.loaded??=this.part("rows").then(t=>{let n=new Ct(t.text_starts,
r=>this.part(`texts-${r}`));return{examples:new Me(t,n),texts:n}}),this.loaded.catch(()=>this.loaded=null),this.loaded}part(t){let n=this.parts.get(t);return n||
(n=cr(t),this.parts.set(t,n),n.catch(()=>this.parts.delete(t))),n}},Ct=class{constructor(t,n){this.starts=t;this.chunk=n}starts;chunk;every=null;lower=null;async read(t){
let n=0;for(;this.starts[n+1]<=t;)n++;return(await this.chunk(n))[t-this.starts[n]]}now(t){return this.every?.[t]??null}async readAll(){return this.every??=(await Promise.
all(this.starts.slice(1).map((t,n)=>this.chunk(n)))).flat(),this.every}async inLowerCase(){return this.lower??=(await this.readAll()).map(t=>t.toLowerCase()),this.
lower}},Je=class{constructor(t,n,r,a){this.examples=t;this.texts=n;this.entries=r;this.total=r.length,this.shown=r.slice(0,a),this.asked=this.shown.length}examples;texts;entries;shown;total;asked;get left(){
return this.total-this.asked}async more(t){let n=this.entries.slice(this.asked,this.asked+t);return this.asked+=n.length,n}async all(){return await this.texts.readAll(),
this.entries}};function ar(e,t,n){let{columns:r,names:a}=e,{dataset:o,model:i,slice:l,kind:c,ids:d}=t,[f,h,v]=[a.dataset.indexOf(o??""),a.model.indexOf(i??""),a.
slice.indexOf(l??"")],C=t.verdict?rr[t.verdict]:null,p=c?a.category_id.map(g=>Ut(g,c)):null,k=d?new Set(d):null,L=t.label?ze[t.label]:null,z=or(e,t.q??"",n);return e.
where(g=>o&&r.dataset[g]!==f||i&&r.model[g]!==h||l&&!r.slice[g].includes(v)||C!==null&&r.failed[g]!==C||p&&!p[r.category_id[g]]||k&&!k.has(r.example_id[g])||L&&
!L(r.label[g],r.outcome[g])?!1:z(g))}function or(e,t,n){let{columns:r}=e,a=t.toLowerCase().split(/\s+/).filter(Boolean),o=a.map(()=>new Map),i=(l,c)=>{if(c<0)return!1;
let d=o[l].get(c);return d===void 0&&o[l].set(c,d=n[c].includes(a[l])),d};return l=>a.every((c,d)=>i(d,r.prompt[l])||i(d,r.response[l])||i(d,r.reference[l])||r.
example_id[l].toLowerCase().includes(c)||e.name("error_title",l).toLowerCase().includes(c))}function ir(e,{sort:t="",first:n=[]},r){let a=sr[t.replace(/^-/,"")],
o=t.startsWith("-")?-1:1,i=new Map(n.map((d,f)=>[d,f])),l=d=>i.get(e.columns.example_id[d])??n.length,c=(d,f)=>{let[h,v]=a?[a(e,d),a(e,f)]:[null,null],C=_e(h,v);
return(h===null||v===null?C:o*C)||l(d)-l(f)};return a||n.length?[...r].sort(c):r}function lr({columns:e},t,n){return e.x[t]===e.x[n]&&e.y[t]===e.y[n]}async function cr(e){
let t=document.querySelector(`script[data-part="${CSS.escape(e)}"]`);if(!t)throw new Error(`this file has no part ${e}`);return JSON.parse(await dr(t.textContent??
""))}async function dr(e){let t=atob(e),n=new Uint8Array(t.length);for(let r=0;r<t.length;r++)n[r]=t.charCodeAt(r);return new Response(new Blob([n]).stream().pipeThrough(
new DecompressionStream("deflate"))).text()}var Jt=2e4,Kt=500,Xt=50,ur=150,Ke=class{constructor(t){this.token=t}token;keepsLabels=!0;searchMilliseconds=250;points=null;findings(){return Qe("parts/findings")}map(){
return this.points??=Qe("parts/points").then(({columns:t})=>mr(t)),this.points.catch(()=>this.points=null),this.points}async find({ids:t,first:n,...r},a,o){let i=new Xe(
"examples",{...r,id:t?.slice(0,Xt),first:n?.slice(0,Xt)},l=>l);return await i.start(a,o),i}async disagreements(t,n){let r=o=>o.filter((i,l)=>l%2===0).map(i=>({a:i,
b:i+1})),a=new Xe("disagreements",{...t},r);return await a.start(n),a}async keepLabel(t){let n={"content-type":"application/json","x-faultmap-token":this.token};
return(await Qt("labels",{method:"POST",headers:n,body:JSON.stringify(t)})).label}},Xe=class{constructor(t,n,r){this.path=t;this.question=n;this.entriesOf=r}path;question;entriesOf;examples=new Ne;shown=[];total=0;entries=[];asked=0;get left(){
return this.total-this.asked}async start(t,n){this.shown=await this.more(t,n)}async more(t,n){for(;this.entries.length<this.asked+t&&await this.read(this.asked+
t-this.entries.length,n););let r=this.entries.slice(this.asked,this.asked+t);return this.asked+=r.length,r}async all(){for(;this.entries.length<Math.min(this.total,
Jt)&&await this.read(Kt););return this.entries.slice(0,Jt)}async read(t,n){let r={...this.question,offset:this.entries.length,limit:Math.min(t,Kt)},a=await Qe(this.
path,r,n);this.total=a.total;let o=this.entriesOf(this.examples.add(a.rows));return this.entries.push(...o),o.length>0}};function mr(e){let t=-1,n=async i=>{if(t=
i,await new Promise(d=>setTimeout(d,ur)),t!==i)return null;let l={dataset:e.dataset[i],model:e.model[i],id:[e.example_id[i]],limit:1};return(await Qe("examples",
l)).rows[0]?.prompt??null},r=new Ne({read:n,now:()=>null}),a=i=>Object.fromEntries($t.map(l=>[l,e[l][i]]));return r.add(e.example_id.map((i,l)=>({example_id:i,dataset:e.
dataset[l],model:e.model[l],failed:e.failed[l],slices:e.slices[l],...a(l)}))).forEach(i=>r.columns.prompt[i]=i),r}function Qe(e,t={},n){let r=new URLSearchParams;
for(let[a,o]of Object.entries(t))for(let i of Array.isArray(o)?o:[o])i!==void 0&&i!==""&&r.append(a,String(i));return Qt(`${e}${r.size?`?${r}`:""}`,{signal:n})}
async function Qt(e,t){let n;try{n=await fetch(e,t)}catch(a){throw t.signal?.aborted?a:new Error("The server does not answer: is faultmap view still running?")}
let r=await n.json().catch(()=>null);if(!n.ok||r===null)throw new Error(r?.error??`The server answered ${n.status}.`);return r}var{token:Yt}=document.documentElement.dataset,T=Yt?new Ke(Yt):new Ue;new URLSearchParams(location.search).has("token")&&history.replaceState(null,"",location.pathname+
location.hash);var Ae=[["overview","Overview"],["slices","Slices"],["taxonomy","Errors"],["signatures","Signatures"],["comparison","Comparison"],["coverage","Coverage"],["qual\
ity","Data quality"],["examples","Examples"],["trends","Trends"],["run","Run"]],Zt={slice:"slices",category:"taxonomy",pair:"comparison",pairslice:"comparison",
gap:"coverage",production:"coverage",topic:"coverage",example:"examples"},en=document.documentElement.dataset.views?.split(" ");function Ye(){let e=document.documentElement,t=e.dataset.theme?e.dataset.theme==="dark":matchMedia("(prefers-color-scheme: dark)").matches;e.dataset.theme=t?"li\
ght":"dark";try{localStorage.setItem("faultmap-theme",e.dataset.theme)}catch{}dispatchEvent(new Event("themechange"))}function tn(){try{let e=localStorage.getItem(
"faultmap-theme");(e==="light"||e==="dark")&&(document.documentElement.dataset.theme=e)}catch{}matchMedia("(prefers-color-scheme: dark)").addEventListener("chan\
ge",()=>dispatchEvent(new Event("themechange")))}var pr="http://www.w3.org/2000/svg";function s(e,t,...n){let r=document.createElement(e);return nn(r,t),r.append(...Ze(n)),r}function A(e,t,...n){let r=document.
createElementNS(pr,e);return nn(r,t),r.append(...Ze(n)),r}function nn(e,t){for(let[n,r]of Object.entries(t??{}))if(!(r==null||r===!1)){if(typeof r=="function"){
e.addEventListener(n,r);continue}if(n==="href"&&!String(r).startsWith("#"))throw new Error(`not a place in this page: ${r}`);e.setAttribute(n,r===!0?"":String(r))}}
function Ze(e){return e.flat().filter(t=>t!=null&&t!==!1).map(t=>t instanceof Node?t:String(t))}var fr=[["↑ ↓","walk through rows"],["Enter","open the row"],["Backspace","go back"],["/","search"],["1 – 9","go to a view"],["t","light or dark"],["?","t\
his help"]];function rn(e){let t=e.target,n=t.matches("input, select, textarea");if(!(e.ctrlKey||e.metaKey||e.altKey)){if(n){e.key==="Escape"&&t.blur(),e.key===
"ArrowDown"&&t.matches("input[type=search]")&&Lt(e,1);return}document.querySelector("dialog[open]")||(e.key==="ArrowDown"?Lt(e,1):e.key==="ArrowUp"?Lt(e,-1):e.key===
"Backspace"?history.back():e.key==="/"?hr(e):e.key==="?"?Tt():e.key==="t"?Ye():/^[1-9]$/.test(e.key)&&gr(Number(e.key)-1))}}function Lt(e,t){let n=[...document.
querySelectorAll("main a.row-link")];if(!n.length)return;let r=n.indexOf(document.activeElement),a=n[Math.min(n.length-1,Math.max(0,r<0?t>0?0:n.length-1:r+t))];
e.preventDefault(),a.focus(),a.scrollIntoView({block:"nearest"})}function hr(e){e.preventDefault();let t=document.querySelector("main input[type=search]");if(t){
t.focus(),t.select();return}Rt=!0,location.hash=R("examples")}var Rt=!1;function sn(){let e=Rt;return Rt=!1,e}function gr(e){let t=Ae[e];t&&(location.hash=R(t[0]))}
function Tt(){let e=()=>t.close(),t=s("dialog",{"aria-labelledby":"help-title",close:()=>t.remove()},s("h2",{id:"help-title"},"Keys"),s("dl",{class:"keys"},fr.map(
([n,r])=>s("div",null,s("dt",null,s("kbd",null,n)),s("dd",null,r)))),s("p",{class:"note"},"Every view, row and filter has its own address: copy it from the addr\
ess bar."),s("button",{type:"button",click:e},"Close"));document.body.append(t),t.showModal()}function ie(e){return e===1?"failed":e===0?"passed":"unscored"}function re(e){return s("span",{class:`verdict ${ie(e)}`},ke(e))}function y(e,...t){return s("div",
null,s("dt",null,e),s("dd",null,...t))}function S(e,...t){let n=t.flat().find(a=>a instanceof HTMLElement&&a.classList.contains("crumbs")),r=t.flat().filter(a=>a!==
n);return s("div",{class:"page","data-title":e},n,s("h1",{tabindex:-1},e),...r)}function x(e,...t){return s("section",null,s("h2",null,e),...t)}function U(e){return s(
"nav",{class:"crumbs","aria-label":"Where this is"},e.map(([t,n])=>[s("a",{href:n},t)," › "]).flat())}function B(e,t){return S("Not here",s("p",null,`This rep\
ort has no such ${e}. `,s("a",{href:R(t)},"See all"),"."))}function ge(e,t,n,r){if(t.length<2)return null;let a=t.map(i=>s("button",{type:"button","aria-pressed":String(
i===n),click:()=>o(i)},i||"all"));function o(i){a.forEach((l,c)=>l.setAttribute("aria-pressed",String(t[c]===i))),r(i)}return s("div",{class:"segmented",role:"g\
roup","aria-label":e},s("span",{class:"field"},e),a)}function et(e,t,n){let r=s("input",{type:"checkbox",checked:t,change:()=>n(r.checked)});return s("label",{class:"\
field"},r,e)}function we(e,t){let n=s("details",{toggle:r},s("summary",null,e));function r(){n.open&&n.childNodes.length===1&&n.append(t())}return n}function ye(e,t){
return e<=0?[]:[s("button",{type:"button",class:"quiet",click:t},`Show more (${u(e)} left)`)]}function Mt(){return s("div",{class:"waiting faint"},"Reading …")}
function me(e,t){return s("p",{class:"trouble",role:"alert"},`${e.message} `,s("button",{type:"button",class:"quiet",click:t},"Try again"))}function le(e){return Nt(
"How this was tested",`${e.basis}.`)}function Nt(e,t){return s("details",{class:"basis"},s("summary",null,e),s("p",{class:"note"},t))}function pe(e){return e.split(
/(?<=[-_/.:])/).flatMap((t,n)=>n?[s("wbr"),t]:[t])}var yr=/^[=+\-@\t\r\n]/;function an(e){if(e==null)return"";if(typeof e!="string")return String(e);let t=yr.test(e)?`'${e}`:e;return/[",\n\r]/.test(t)?`"${t.replaceAll(
'"','""')}"`:t}function on(e,t){let n=t.map(r=>e.map(a=>an(a.value(r))).join(","));return[e.map(r=>an(r.key)).join(","),...n,""].join(`\r
`)}function br(e,t){let n=t.map(r=>Object.fromEntries(e.map(a=>[a.key,a.value(r)??null])));return`${JSON.stringify(n,null,1)}
`}function xr(e,t){return t.map(n=>JSON.stringify(Object.fromEntries(e.map(r=>[r.key,r.value(n)??null])))).join(`
`)}function Pt(e,t,n){let r=URL.createObjectURL(new Blob([n],{type:t})),a=document.createElement("a");a.href=r,a.download=e,a.click(),setTimeout(()=>URL.revokeObjectURL(
r),1e3)}async function vr(e){try{return await navigator.clipboard.writeText(e),!0}catch{let t=s("textarea",{class:"off-screen","aria-hidden":"true"});t.value=e,
document.body.append(t),t.select();let n=document.execCommand("copy");return t.remove(),n}}function se(e,t,n,{lines:r=!1}={}){let a=s("button",{type:"button",class:"\
quiet",click:o},"Copy");async function o(){let d=await vr(on(t,await n()));a.textContent=d?"Copied":"Not allowed",setTimeout(()=>a.textContent="Copy",1500)}let i=async()=>Pt(
`${e}.csv`,"text/csv",on(t,await n())),l=async()=>Pt(`${e}.json`,"application/json",br(t,await n())),c=async()=>Pt(`${e}.jsonl`,"application/jsonl",`${xr(t,await n())}\

`);return s("div",{class:"exports",role:"group","aria-label":"Take along what is shown"},a,s("button",{type:"button",class:"quiet",click:i},"CSV"),s("button",{type:"\
button",class:"quiet",click:l},"JSON"),r&&s("button",{type:"button",class:"quiet",click:c},"JSONL"))}var De=50;function M(e){if(!e.rows.length)return s("p",{class:"empty"},e.empty??"Nothing to show.");let t=_r(e),n=s("tbody"),r=s("thead"),a=s("div",{class:"more"}),
o=s("span",{class:"tally",role:"status"}),i=[],l=new Map;function c(p){for(let k of e.filters??[]){let L=t.filters[k.key];if(L&&!k.matches(p,L))return!1}return!t.
query||!e.text?!0:(l.has(p)||l.set(p,e.text(p).toLowerCase()),t.query.toLowerCase().split(/\s+/).every(k=>l.get(p)?.includes(k)))}function d(p=De){i=kr(e.rows.filter(
c),e.columns,t.sort),f(),n.replaceChildren(...i.slice(0,p).map(L=>nt(e,L))),o.textContent=i.length===e.rows.length?u(i.length):`${u(i.length)} of ${u(e.rows.length)}`,
o.textContent+=` ${e.rows.length===1?e.unit??"row":`${e.unit??"row"}s`}`;let k=i.length-p;a.replaceChildren(...ye(k,()=>d(p+4*De)))}function f(){r.replaceChildren(
s("tr",null,...tt(e.columns).map(p=>jt(p,t,h))))}function h(p){let k=`-${p.key}`;t.sort=t.sort===k?p.key:t.sort===p.key||p.number?k:p.key,e.plain||O({sort:t.sort===
e.sort?null:t.sort}),d(),r.querySelector(`button[data-key="${CSS.escape(p.key)}"]`)?.focus()}let v=e.plain?null:s("div",{class:"tools"},e.text&&wr(e,t,d),...(e.
filters??[]).map(p=>$r(p,t,d)),o,se(e.name.replaceAll(" ","-"),e.columns,()=>i));d();let C=s("table",{class:"data"},s("caption",{class:"off-screen"},e.name),r,n);
return s("div",{class:"table-block"},v,C,a)}function _r(e){let{parameters:t}=E(),n={};for(let a of e.filters??[])n[a.key]=t[a.key]??"";let r=!e.plain&&t.sort||e.
sort||"";return{query:e.plain?"":t.q??"",sort:r,filters:n}}function kr(e,t,n){let r=n.startsWith("-"),a=t.find(i=>i.key===n.replace(/^-/,""));if(!a)return e;let o=e.
map(i=>({row:i,value:a.value(i)}));return o.sort((i,l)=>+(i.value===null||i.value===void 0)-+(l.value===null||l.value===void 0)||(r?-1:1)*_e(i.value,l.value)),o.
map(i=>i.row)}function tt(e){return e.filter(t=>!t.hidden)}function jt(e,t,n){let r=t.sort===e.key?"ascending":t.sort===`-${e.key}`?"descending":null;return s("\
th",{scope:"col",class:ln(e),"aria-sort":r},e.title?s("button",{type:"button",class:"sort","data-key":e.key,click:()=>n(e)},e.title):null)}function nt(e,t){let{
hover:n,href:r}=e,a=n?{mouseenter:()=>n(t),mouseleave:()=>n(null),focusin:()=>n(t),focusout:()=>n(null)}:null,o=tt(e.columns).map(i=>{let l=i.render?i.render(t):
i.value(t),c=i.first&&r?s("a",{class:"row-link",href:r(t)},l):s("div",null,l),d=[ln(i),l===""||l===null?"blank":null].filter(Boolean).join(" ");return s(i.first?
"th":"td",{class:d||null,"data-label":i.title,scope:i.first?"row":null},c)});return s("tr",a,o)}function ln(e){let t=[e.number&&"number",e.first&&"first",e.minor&&
"minor"].filter(Boolean);return t.length?t.join(" "):null}function wr(e,t,n){let r=s("input",{type:"search",placeholder:"Search","aria-label":`Search ${e.name}`,
value:t.query,input:a});function a(){t.query=r.value.trim(),O({q:t.query}),n()}return r}function $r(e,t,n){return e.options.length<2?null:ce(e.label,e.options,t.
filters[e.key],r=>{t.filters[e.key]=r,O({[e.key]:r}),n()},{say:N})}function ce(e,t,n,r,{all:a=!0,say:o=i=>i}={}){let i=s("select",{"aria-label":e,change:()=>r(i.
value)},a&&s("option",{value:""},`All ${e}`),t.map(l=>s("option",{value:l,selected:l===n},o(l))));return i}function Q(e,t,{step:n=10,empty:r="None."}={}){let a=s(
"div",{class:"list"}),o=s("div",{class:"more"}),i=0;function l(){a.append(...e.slice(i,i+n).map(t)),i+=n;let c=e.length-i;o.replaceChildren(...ye(c,l))}return e.
length?l():a.append(s("p",{class:"empty"},r)),s("div",null,a,o)}function rt({rate:e,low:t,high:n,mark:r,wide:a=!1}){if(e===null)return null;let o=i=>100*Math.min(1,Math.max(0,i));return A("svg",{class:a?"rate wide":"rate",viewBox:"\
0 0 100 10",preserveAspectRatio:"none","aria-hidden":"true"},A("rect",{class:"track",x:0,y:2,width:100,height:6}),A("rect",{class:"share",x:0,y:2,width:o(e),height:6}),
t!=null&&n!==void 0&&n!==null?A("path",{class:"interval",d:`M${o(t)} 5H${o(n)}M${o(t)} 2.5V7.5M${o(n)} 2.5V7.5`}):null,r!=null?A("path",{class:"mark",d:`M${o(r)}\
 0V10`}):null)}function J(e){let t=Re(e.low,e.high);return s("span",{class:"rate-cell"},s("span",{class:"rate-number"},_(e.rate),t&&s("small",null,` ${t}`)),rt(
e))}function be(e,t){let n=(r,a)=>[s("span",{class:"two-label"},r.label),s("span",{class:`two-bar ${a}`},rt({rate:r.rate,wide:!0})),s("span",{class:"two-number"},
s("strong",null,_(r.rate)),s("small",null,` ${r.note}`))];return s("div",{class:"two-rates"},...n(e,"strong"),...n(t,"weak"))}function cn({difference:e,low:t,high:n,
left:r,right:a}){let o=Math.max(.1,Math.abs(e),Math.abs(t??0),Math.abs(n??0))*1.1,i=l=>50+50*l/o;return s("div",{class:"difference"},s("span",{class:"left"},`← ${r}`),
A("svg",{viewBox:"0 0 100 10",preserveAspectRatio:"none","aria-hidden":"true"},A("path",{class:"axis",d:"M0 5H100"}),A("path",{class:"zero",d:"M50 0V10"}),t!==null&&
n!==null?A("rect",{class:"range",x:i(t),y:3.5,width:Math.max(.5,i(n)-i(t)),height:3}):null,A("path",{class:"mark",d:`M${i(e)} 1V9`})),s("span",{class:"right"},`${a}\
 →`))}function st(e,t){let[n,r,a,o]=[640,194,58,34],i=p=>a+8+(e.length<2?(n-a)/2:(n-a-56)*p/(e.length-1)),l=p=>10+(r-o-10)*(1-p),c=e.map((p,k)=>({...p,index:k})).
filter(p=>p.value!==null),d=c.filter(p=>p.low!==void 0&&p.low!==null),f=d.map(p=>`${i(p.index)} ${l(p.high??0)}`),h=d.map(p=>`${i(p.index)} ${l(p.low??0)}`).reverse(),
v=Math.ceil(e.length/7),C=e.map(p=>`${p.label} ${_(p.value)}`).join(", ");return A("svg",{class:"line",viewBox:`0 0 ${n} ${r}`,role:"img","aria-label":`${t}: ${C}`},
[0,.5,1].map(p=>[A("path",{class:"grid",d:`M${a} ${l(p)}H${n}`}),A("text",{x:a-6,y:l(p)+4,"text-anchor":"end"},_(p))]).flat(),e.map((p,k)=>({one:p,index:k})).filter(
({index:p})=>p%v===0).map(({one:p,index:k})=>A("text",{x:i(k),y:r-6,"text-anchor":"middle"},p.label)),d.length>1?A("path",{class:"band",d:`M${[...f,...h].join("\
L")}Z`}):null,A("path",{class:"stroke",d:c.length?`M${c.map(p=>`${i(p.index)} ${l(p.value??0)}`).join("L")}`:""}),c.map(p=>A("circle",{cx:i(p.index),cy:l(p.value??
0),r:3},A("title",null,`${p.label}: ${_(p.value)}`))))}var Er=16;async function dn(){let{dataset:e,model:t}=q(),n=m.comparisons.filter(o=>(!e||o.dataset===e)&&(!t||o.model_a===t||o.model_b===t)),r=(m.memo?.rankings??
[]).filter(o=>j({dataset:o.dataset})&&o.models.length>2&&o.models.length<=Er),a=Lr(n);return S("Comparison",s("p",{class:"lead"},"Pairs of models that answered \
the same prompts. A winner is named only where the difference is more than chance."),r.map(Sr),r.length&&!t?we(`All ${w(n.length,"pair")}`,()=>a):a)}function Sr(e){
let t=e.models,n=r=>t.indexOf(r)+1;return s("section",null,s("h2",null,e.dataset),e.told&&s("p",null,e.told),s("table",{class:"matrix"},s("caption",{class:"off-\
screen"},`who beats whom on ${e.dataset}`),s("thead",null,s("tr",null,s("th",{scope:"col"},"model"),s("th",{scope:"col"},"failed"),t.map(r=>s("th",{scope:"col"},
s("span",{class:"off-screen"},`against ${r.model}`),s("span",{"aria-hidden":"true"},n(r)))))),s("tbody",null,t.map(r=>s("tr",null,s("th",{scope:"row"},`${n(r)} `,
pe(r.model)),s("td",null,_(r.failure_rate)),t.map(a=>Cr(e.dataset,r,a)))))),s("p",{class:"note"},"Each row against the model of the column's number: + is better\
, − is worse, = cannot be told apart, ? no common example. Each mark leads to the pair."))}function Cr(e,t,n){if(t===n)return s("td",{class:"self"});let[r,a,o]=t.
beats.includes(n.model)?["+","better","is better than"]:t.loses_to.includes(n.model)?["−","worse","is worse than"]:t.open.includes(n.model)?["=","open","canno\
t be told apart from"]:["?","open","was not compared with"],i=m.comparisons.find(c=>c.dataset===e&&[c.model_a,c.model_b].includes(t.model)&&[c.model_a,c.model_b].
includes(n.model)),l=`${t.model} ${o} ${n.model}`;return s("td",{class:a},i?s("a",{href:Pe(i),"aria-label":l,title:l},r):s("span",{title:l},r))}function Lr(e){return M(
{name:"comparisons",unit:"pair",rows:e,href:Pe,text:t=>`${t.dataset} ${t.model_a} ${t.model_b} ${t.winner}`,empty:"No two models answered the same prompts.",columns:[
{key:"pair",title:"models",first:!0,value:t=>`${t.model_a} or ${t.model_b}`,render:t=>[pe(t.model_a)," or ",pe(t.model_b)].flat()},{key:"dataset",title:"dataset",
value:t=>t.dataset,minor:V().length<2},{key:"compared",title:"pairs",number:!0,value:t=>t.compared,render:t=>u(t.compared)},{key:"failure_rate_a",title:"first",
value:t=>t.compared?t.claim.inside:null,render:t=>Fe(t,"inside")},{key:"failure_rate_b",title:"second",value:t=>t.compared?t.claim.outside:null,render:t=>Fe(t,"\
outside")},{key:"winner",title:"winner",value:t=>t.winner,render:t=>pe(Ot(t))},{key:"slices",title:"differs in",number:!0,value:t=>t.slices.length},{key:"adjust\
ed_p_value",title:"adj. p",number:!0,value:t=>t.compared?t.adjusted_p_value:null,render:t=>t.compared?D(t.adjusted_p_value):"–"}]})}function Fe(e,t){return e.
compared&&e.claim[t]!==null?J({rate:e.claim[t]}):"–"}function Ot(e){return e.compared===0?"not compared":e.winner==="tie"?"about equal":e.winner==="unresolved"?
"not shown":e.winner}var Rr=700,Tr=14;function P(e,t={}){if(e===null||e==="")return s("div",{class:"text empty"},e===null?"none":"empty");let n=s("div",{class:"text"},t.pieces??e),r=s(
"div",{class:"text-block"},n),a=s("div",{class:"text-tools"});(e.length>Rr||e.split(`
`).length>Tr)&&(n.classList.add("folded"),a.append(Mr(n,e)));let o=t.pieces?null:Pr(e);return o&&a.append(Nr(n,e,o)),a.childNodes.length&&r.append(a),r}function Mr(e,t){
let n=`Show all ${u(t.length)} characters`,r=s("button",{type:"button",class:"quiet","aria-expanded":"false",click:a},n);function a(){let o=e.classList.toggle("\
folded");r.setAttribute("aria-expanded",String(!o)),r.textContent=o?n:"Show less"}return r}function Nr(e,t,n){let r=s("button",{type:"button",class:"quiet","ari\
a-pressed":"false",click:a},"Formatted");function a(){let o=e.classList.toggle("formatted");r.setAttribute("aria-pressed",String(o)),e.replaceChildren(...o?n():
[t])}return r}function Pr(e){let t=e.trim();if(/^[[{]/.test(t)&&t.length>2)try{let n=JSON.parse(t);return()=>[s("pre",null,JSON.stringify(n,null,2))]}catch{}return/^#{1,6} |^```|^\s*[-*] |^\d+\. |\*\*[^*\n]+\*\*|^\|.+\|/m.
test(e)?()=>jr(e):null}function jr(e){let t=[];return e.split(/^```[^\n]*$/m).forEach((r,a)=>{a%2?t.push(s("pre",null,r.replace(/^\n|\n$/g,""))):t.push(...r.split(
/\n{2,}/).flatMap(o=>Or(o)))}),t}function Or(e){let t=e.split(`
`).filter(a=>a.trim()),n=[],r=null;for(let a of t){let o=/^#{1,6} (.*)$/.exec(a),i=/^\s*(?:[-*]|\d+[.)]) (.*)$/.exec(a);if(i){r||n.push(r=s(/^\s*\d/.test(a)?"ol":
"ul")),r.append(s("li",null,At(i[1])));continue}r=null,n.push(o?s("p",null,s("strong",null,At(o[1]))):s("p",null,At(a)))}return n}function At(e){return e.split(
/(`[^`]+`|\*\*[^*]+\*\*)/).map(t=>t.length>2&&t.startsWith("`")&&t.endsWith("`")?s("code",null,t.slice(1,-1)):t.length>4&&t.startsWith("**")&&t.endsWith("**")?s(
"strong",null,t.slice(2,-2)):t)}function W(e,t,n){let r=s("div",{class:"waiting"});return e.text(t).then(a=>r.replaceWith(n(a)),a=>r.replaceChildren(`could not \
be read: ${a.message}`)),r}function at(e){return e.reduce((t,n)=>n.slices.length>t.slices.length?n:t,e[0])}function ot(e){return e.claim.statistic==="score"?`score ${e.claim.inside_text}`:
J({rate:e.failure_rate,mark:e.baseline_rate})}function it(e){return s("div",{class:"panel"},e.claim.statistic!=="score"&&be({label:"in the slice",rate:e.failure_rate,
note:`failed of ${u(e.size)}`},{label:"the rest",rate:e.baseline_rate,note:`failed of ${u(e.claim.n_other)}`}),s("p",{class:"note"},e.claim.told),le(e.claim))}function fe(e){
return m.scope.texts?!e.root_cause&&!e.suggested_remediation?e.named_by==="keywords"||e.named_by==="metadata"?s("p",{class:"note"},`Named by ${e.named_by}. With\
 a language model configured, a root cause and a remedy stand here.`):null:s("dl",{class:"facts why"},e.root_cause&&y("root cause",e.root_cause),e.suggested_remediation&&
y("remedy",e.suggested_remediation),e.cited_examples.length>0&&y("rests on",e.cited_examples.map((t,n)=>[n?", ":null,e.dataset?s("a",{href:Z(e.dataset,t)},t):t]).
flat())):null}function lt(e){return x("How it was found",s("dl",{class:"facts compact"},y("distinct prompts",u(e.prompts)),y("failures",`${u(e.failures)} of ${u(
e.size)}`),y("test",`${e.test_used}, p ${D(e.p_value)}, adjusted ${D(e.adjusted_p_value)}`),y("times as often as the rest",F(e.effect_size)),y("named by",e.named_by,
e.naming_note&&` (${e.naming_note})`),y("id",s("code",null,e.slice_id))))}function un(){return[...m.production_slices].reverse().flatMap(e=>e.slices)}function mn(){return[...m.topic_drift].reverse().flatMap(e=>e.topics)}function pn(){
let e=m.production_slices.at(-1);if(!e)return null;let t=un(),n=e.with_feedback?`In the ${w(e.days,"day")} up to ${e.day}, ${_(e.failure_rate)} of ${w(e.with_feedback,
"answer")} with feedback were bad.`:e.note||"The logs have no feedback that the settings know.";return x("Where users were unhappy",s("p",{class:"note"},n),t.length>
0&&M({name:"slices of production",plain:!0,rows:t,href:r=>G("production",{day:r.day,id:r.slice_id}),columns:[{key:"name",title:"slice",first:!0,value:r=>r.name},
{key:"day",title:"days up to",value:r=>r.day},{key:"failure_rate",title:"here",value:r=>r.failure_rate,render:ot},{key:"baseline_rate",title:"elsewhere",number:!0,
value:r=>r.baseline_rate,render:r=>r.claim.outside_text},{key:"size",title:"answers",number:!0,value:r=>r.size,render:r=>u(r.size)},{key:"adjusted_p_value",title:"\
adj. p",number:!0,value:r=>r.adjusted_p_value,render:r=>D(r.adjusted_p_value)}]}))}function fn(){let e=mn();return e.length?x("Topics that changed",s("p",{class:"\
note"},"The share of a topic in the days up to the one named, against the days before them."),M({name:"topics that changed",plain:!0,rows:e,href:t=>G("topic",{day:t.
day,id:t.topic_id}),columns:[{key:"name",title:"topic",first:!0,value:t=>t.name},{key:"kind",title:"change",value:t=>t.kind,render:t=>N(t.kind)},{key:"day",title:"\
days up to",value:t=>t.day},{key:"previous_share",title:"before",number:!0,value:t=>t.previous_share,render:t=>_(t.previous_share)},{key:"current_share",title:"\
now",value:t=>t.current_share,render:t=>J({rate:t.current_share,low:t.current_share_low,high:t.current_share_high,mark:t.previous_share})},{key:"adjusted_p_valu\
e",title:"adj. p",number:!0,value:t=>t.adjusted_p_value,render:t=>D(t.adjusted_p_value)}]})):null}async function hn(){let{day:e,id:t}=E().parameters,n=un().find(
r=>r.day===e&&r.slice_id===t);return n?S(n.name,U([["What the tests never ask",R("coverage")]]),s("p",{class:"lead"},`Production up to ${n.day}`,n.description&&
`. ${n.description}`),s("div",{class:"columns"},s("div",null,it(n),fe({...n,dataset:""})),s("div")),m.scope.texts&&x("Examples",Q(n.examples,Ar,{step:6})),lt(n)):
B("slice of production","coverage")}function Ar(e){let t=e.failed===null?-1:Number(e.failed);return s("article",{class:`example ${ie(t)}`},s("header",null,s("st\
rong",null,e.example_id),re(t)),s("dl",{class:"facts"},y("prompt",P(e.prompt)),y("answer",P(e.response)),e.reference&&y("expected",P(e.reference))))}async function gn(){
let{day:e,id:t}=E().parameters,n=mn().find(r=>r.day===e&&r.topic_id===t);return n?S(n.name,U([["What the tests never ask",R("coverage")]]),s("p",{class:"lead"},
`${N(n.kind)} in the days up to ${n.day}. ${n.description}`),s("div",{class:"panel"},be({label:"now",rate:n.current_share,note:`of traffic (${Re(n.current_share_low,
n.current_share_high)}), ${w(n.current_rows,"prompt")}`},{label:"before",rate:n.previous_share,note:`(${Re(n.previous_share_low,n.previous_share_high)}), ${w(n.
previous_rows,"prompt")}`}),s("p",{class:"note"},`${n.claim.told} Named by ${n.named_by}.`),le(n.claim)),m.scope.texts&&x("What is asked",Q(n.representative_prompts,
r=>s("div",{class:"asked"},P(r))))):B("topic","coverage")}async function yn(){let e=m.coverage,t=e.at(-1);return t?S("What the tests never ask",s("p",{class:"lead"},`About ${_(t.coverage)} of production on ${t.day} is \
like something that is tested. A gap is a region of a day's prompts that demonstrably lacks tests.`),e.length>1&&x("Coverage by day",st(e.map(n=>({label:n.day.slice(
5),value:n.coverage,low:n.coverage_low,high:n.coverage_high})),"Coverage"),s("p",{class:"note"},"The estimate and the range that prompts leave open whose region\
 is too small to tell.")),x("Gaps",Dr()),pn(),fn(),x("Days",Fr(e))):S("Coverage",s("p",{class:"empty"},m.scope.datasets||m.scope.models?"Coverage is told in the\
 report of the whole warehouse.":"No production log has been audited: run ",!(m.scope.datasets||m.scope.models)&&s("code",null,"faultmap coverage LOGS")))}function Dr(){
let e=Te();return M({name:"gaps",unit:"gap",rows:e,href:je,text:t=>[t.name,t.description,t.day,t.kind].join(" "),filters:[{key:"day",label:"days",options:[...new Set(
e.map(t=>t.day))],matches:(t,n)=>t.day===n},{key:"kind",label:"kinds",options:[...new Set(e.map(t=>t.kind))],matches:(t,n)=>t.kind===n}],sort:"-traffic_share",empty:"\
No region demonstrably lacks tests.",columns:[{key:"name",title:"what is not tested",first:!0,value:t=>t.name},{key:"day",title:"day",value:t=>t.day,render:t=>s(
"span",{class:"day"},t.day)},{key:"kind",title:"kind",value:t=>t.kind},{key:"traffic_share",title:"of traffic",value:t=>t.traffic_share,render:t=>J({rate:t.traffic_share})},
{key:"size",title:"prompts",number:!0,value:t=>t.size,render:t=>u(t.size)},{key:"tests",title:"tests",number:!0,value:t=>t.tests,render:t=>u(t.tests)},{key:"exp\
ected_tests",title:"tests expected",number:!0,value:t=>t.expected_tests,render:t=>u(Math.round(t.expected_tests))},{key:"gap_id",title:"id",hidden:!0,value:t=>t.
gap_id}]})}function Fr(e){return M({name:"days",plain:!0,rows:e,sort:"-day",columns:[{key:"day",title:"day",first:!0,value:t=>t.day},{key:"production",title:"pr\
ompts",number:!0,value:t=>t.production,render:t=>u(t.production)},{key:"tests",title:"tests",number:!0,value:t=>t.tests,render:t=>u(t.tests)},{key:"coverage",title:"\
coverage",value:t=>t.coverage,render:t=>J({rate:t.coverage,low:t.coverage_low,high:t.coverage_high})},{key:"in_gaps",title:"in gaps",number:!0,value:t=>t.in_gaps,
render:t=>_(t.in_gaps)},{key:"undetermined",title:"undetermined",number:!0,value:t=>t.undetermined,render:t=>_(t.undetermined)},{key:"outliers",title:"outliers",
number:!0,value:t=>t.outliers,render:t=>u(t.outliers)}]})}async function bn(){let{day:e,id:t}=E().parameters,n=Te().find(r=>r.day===e&&r.gap_id===t);return n?S(
n.name,U([["What the tests never ask",R("coverage")]]),s("p",{class:"lead"},`${_(n.traffic_share)} of production on ${n.day}. ${n.description}`),s("dl",{class:"\
facts compact"},y("kind",n.kind),y("prompts",`${u(n.size)}, ${u(n.prompts)} of them distinct`),y("tests",`${u(n.tests)} where ${u(Math.round(n.expected_tests))}\
 would be expected`),n.adjusted_p_value!==null&&y("adjusted p",D(n.adjusted_p_value)),y("id",s("code",null,n.gap_id))),fe(n),m.scope.texts&&s("div",{class:"colu\
mns"},x("What is asked",qr(n)),x("The nearest tests",Vr(n)))):B("gap","coverage")}function qr(e){let t=e.prompts_asked.length?e.prompts_asked:e.representative_prompts.
map((r,a)=>({prompt:r,source:"",log_id:`${e.gap_id}-${a+1}`})),n=[{key:"example_id",title:"example_id",value:r=>`${e.day}-${r.log_id}`},{key:"input_text",title:"\
input_text",value:r=>r.prompt},{key:"source",title:"source",value:r=>r.source},{key:"day",title:"day",value:()=>e.day},{key:"log_id",title:"log_id",value:r=>r.log_id},
{key:"gap",title:"gap",value:()=>e.name}];return[s("div",{class:"tools"},s("span",{class:"tally"},t.length<e.size?`${u(t.length)} of ${w(e.size,"prompt")}`:w(e.
size,"prompt")),s("span",{class:"field"},"as test cases:"),se(`tests-${e.gap_id}`,n,()=>t,{lines:!0})),Q(t,r=>s("div",{class:"asked"},P(r.prompt)),{step:10})]}function Vr(e){
return s("ul",{class:"plain-list"},e.nearest_tests.map(t=>s("li",null,P(t.prompt),s("span",{class:"faint"},`distance ${F(t.distance)}`))))}function ct(e){let t=Ge(e);return t.length?t.map((n,r)=>[r?" › ":null,s("a",{href:ee(n.category_id)},n.name)]).flat():[N(e)]}var Br=4e3,dt=" no error";function mt(e,t){let n=e.columns.label[t];if(!T.keepsLabels&&!n)return null;let r=s("div",{class:"label","data-example":e.columns.example_id[t]});
return ut(r,e,t),y("label",r)}function ut(e,t,n,r=""){let a=t.columns.label[n],o=t.columns.outcome[n]==="failed",i=d=>Ir(e,t,n,d),l=d=>e.replaceChildren(Hr(t,n,
d,i,()=>ut(e,t,n))),c=()=>l(!1);e.replaceChildren(...Ze([a&&Wr(a),T.keepsLabels&&(a?s("p",{class:"label-tools"},$e("Change",()=>l(a.right)),$e("Undo",()=>i(null))):
s("p",{class:"label-tools"},s("span",{class:"faint"},o?"What is it?":"Is the judgment right?"),!o&&$e("Right",()=>i({right:!0})),$e(o?"Say what it is":"Wrong …",
c))),r&&s("p",{class:"trouble",role:"alert"},r)]))}function $e(e,t){return s("button",{type:"button",class:"small",click:t},e)}function Wr(e){let t=e.is_error?e.
right?null:e.kind?["it is ",...ct(e.kind)]:"it is another error":"there is no error";return s("div",null,s("p",null,s("span",{class:`said ${e.right?"right":"wro\
ng"}`},e.right?"right":"wrong"),t&&[": ",t].flat()),e.why&&s("p",{class:"why-said"},e.why))}function Hr(e,t,n,r,a){let o=e.columns.label[t],i=e.columns.outcome[t]??
"",l={right:i==="failed"?!1:n},c=zr(i,o&&!o.right?o.is_error?o.kind:dt:""),d=s("label",{class:"label-field"},s("span",null,"What is it really?"),c),f=s("textare\
a",{rows:3,maxlength:Br});f.value=o?.why??"";let h=ge("The judgment is",i==="failed"?["wrong"]:["right","wrong"],l.right?"right":"wrong",p=>{l.right=p==="right",
d.hidden=l.right});d.hidden=l.right;let v=()=>({right:l.right,is_error:l.right?null:c.value!==dt,kind:l.right||c.value===dt?"":c.value,note:f.value.trim()}),C=s(
"div",{class:"label-editor",role:"group","aria-label":"Label this judgment"},h,d,s("label",{class:"label-field"},s("span",null,"Why? (optional)"),f),s("p",{class:"\
label-tools"},$e("Save",()=>r(v())),$e("Cancel",a)));return setTimeout(()=>(l.right?f:c).focus()),C}function zr(e,t){let n=e==="no_error_found"?[]:[{id:dt,name:"\
No error at all"}],r={id:"",name:e==="no_error_found"?"An error; which kind is left open":"Another error; which kind is left open"},a=St(m.taxonomy?.categories??
[]).map(o=>({id:o.category_id,name:`${" ".repeat(o.depth-1)}${ne(o.name,60)}`}));return s("select",null,[r,...n,...a].map(o=>s("option",{value:o.id,selected:o.
id===t},o.name)))}async function Ir(e,t,n,r){let{columns:a}=t;e.querySelectorAll("button").forEach(o=>o.disabled=!0);try{a.label[n]=await T.keepLabel({dataset:t.
name("dataset",n),model:t.name("model",n),example_id:a.example_id[n],label:r,seen:{outcome:a.outcome[n]??"",error_title:t.name("error_title",n)}}),ut(e,t,n),e.querySelector(
"button")?.focus()}catch(o){let{message:i}=o,l=e.querySelector(".label-editor");if(!l)return ut(e,t,n,i);e.querySelector(".trouble")?.remove(),e.querySelectorAll(
"button").forEach(c=>c.disabled=!1),l.append(s("p",{class:"trouble",role:"alert"},i))}}function Dt(e){return e?e.right?"right":"wrong":""}function xn(e,t,{withModel:n=!1}={}){let r=e.columns,a=e.name("dataset",t);return s("article",{class:`example ${ie(r.failed[t])}`},s("header",null,s("a",{class:"\
row-link",href:Z(a,r.example_id[t])},r.example_id[t]),re(r.failed[t]),n&&s("span",{class:"faint"},`${e.name("model",t)} on ${a}`),r.score[t]!==null&&s("span",{class:"\
faint"},`score ${F(r.score[t])}`),r.epochs[t]>1&&s("span",{class:"faint"},`mean of ${r.epochs[t]} repeats; the first is shown`)),m.scope.texts?s("dl",{class:"fa\
cts"},y("prompt",W(e,r.prompt[t],o=>P(o))),y("answer",W(e,r.response[t],o=>P(o))),r.reference[t]>=0&&y("expected",W(e,r.reference[t],o=>P(o))),pt(e,t),e.columns.
outcome[t]&&mt(e,t)):s("dl",{class:"facts"},pt(e,t)??y("texts","left out of this report")))}function pt(e,t){let n=e.columns.outcome[t];if(!n)return null;let r=e.
name("error_title",t),a=e.name("category_id",t);return y("judgment",s("div",{class:"judgment"},s("p",null,r?s("strong",null,r):N(n)),e.columns.error_summary[t]>=
0&&W(e,e.columns.error_summary[t],o=>s("p",null,o)),s("p",{class:"faint"},a&&a!=="unclassified"?[...ct(a)," · "]:null,`judged by ${e.columns.judged_by[t]}`)))}
function vn(e){return s("ul",{class:"criteria"},e.map(t=>s("li",null,s("span",{class:`quality ${t.quality}`},N(t.quality)),` ${t.criterion}`,t.comment&&s("span",
{class:"faint"},`: ${t.comment}`),t.evidence&&s("q",null,t.evidence),t.evidence&&!t.evidence_found&&s("span",{class:"faint"}," (not in the answer)"))))}function ft(e){let{find:t,show:n,tell:r,step:a,kinds:o=[],chosen:i="",change:l}=e,c=s("span",{class:"tally",role:"status"}),[d,f,h]=[s("div",{class:"exports"}),
s("div",{class:"list"}),s("div",{class:"more"})],v=0;async function C(L){let z=++v;f.replaceChildren(Mt()),h.replaceChildren();try{let g=await t(L,a);if(z!==v)return;
c.textContent=r(g,L),d.replaceChildren(e.exports(g)),f.replaceChildren(...g.shown.map(I=>n(g,I))),g.total||f.replaceChildren(s("p",{class:"empty"},"None.")),p(g)}catch(g){
z===v&&f.replaceChildren(me(g,()=>{C(L)}))}}function p(L){h.replaceChildren(...ye(L.left,z));async function z(){h.replaceChildren(Mt());try{f.append(...(await L.
more(a)).map(g=>n(L,g))),p(L)}catch(g){h.replaceChildren(me(g,z))}}}C(i);let k=ge("Show",o,i,L=>{l?.(L),C(L)});return[s("div",{class:"tools"},k,c,d),f,h]}function _n(e,t,n){let r=s("select",{"aria-label":"kinds of error",change:()=>n(r.value)},s("option",{value:""},"All kinds of error"),e.map(a=>s("option",{value:a.
category_id,selected:a.category_id===t},ne(a.name,50))));return r}function kn(e){let{columns:t}=e;return{name:"examples",rows:[],href:n=>Z(e.name("dataset",n),t.
example_id[n]),empty:"No example fits.",columns:[{key:"example_id",title:"example",first:!0,value:n=>t.example_id[n]},{key:"model",title:"model",value:n=>e.name(
"model",n)},{key:"dataset",title:"dataset",value:n=>e.name("dataset",n),minor:V().length<2},{key:"verdict",title:"verdict",value:n=>ke(t.failed[n]),render:n=>re(
t.failed[n])},...m.scope.texts?[{key:"prompt",title:"prompt",unsorted:!0,value:()=>null,render:n=>W(e,t.prompt[n],r=>s("span",null,ne(r??"",110)))}]:[],{key:"er\
ror",title:"error",value:n=>e.name("error_title",n),render:n=>ne(e.name("error_title",n),60)},...t.label.some(Boolean)?[{key:"label",title:"label",value:n=>Dt(t.
label[n])}]:[]]}}function Gr(e){let{columns:t}=e,n=["prompt","response","reference","error_summary"];return[{key:"dataset",title:"dataset",value:r=>e.name("data\
set",r)},{key:"model",title:"model",value:r=>e.name("model",r)},{key:"example_id",title:"example_id",value:r=>t.example_id[r]},{key:"failed",title:"failed",value:r=>t.
failed[r]<0?null:t.failed[r]===1},{key:"score",title:"score",value:r=>t.score[r]},{key:"category_id",title:"category_id",value:r=>e.name("category_id",r)||null},
{key:"error_title",title:"error_title",value:r=>e.name("error_title",r)||null},{key:"label",title:"label",value:r=>Dt(t.label[r])||null},{key:"slices",title:"sl\
ices",value:r=>e.slices(r).join(" ")},...m.scope.texts?n.map(r=>({key:r,title:r,value:a=>e.textNow(t[r][a])})):[]]}function ht(e,t){return se(e,Gr(t.examples),()=>t.
all())}function gt({name:e,question:t,unit:n,total:r,verdicts:a=[],withModel:o,chosen:i,change:l}){return ft({find:(c,d)=>T.find({...t,verdict:c},d),show:({examples:c},d)=>xn(
c,d,{withModel:o}),tell:(c,d)=>!d&&c.total<r?`${u(c.total)} of ${u(r)} are in this report's sample`:w(c.total,n),exports:c=>ht(e,c),step:6,kinds:a.length?["",...a]:
[],chosen:i,change:l})}async function wn(){let e=Oe();if(!e||!e.total)return S("Kinds of error",s("p",{class:"empty"},"No failure has been judged yet."));let t=Math.max(...e.rows.map(
l=>l.depth)),n={depth:Number(E().parameters.depth)||Math.min(2,t),least:Number(E().parameters.least)||1,query:E().parameters.q??"",open:new Set([])},r=s("div",{
class:"tree"}),a=s("span",{class:"tally",role:"status"}),o=[],i=()=>{o=e.rows.filter(l=>Ur(l,n)),r.replaceChildren(...o.map(l=>Kr(l,e.rows,n,i))),a.textContent=
`${u(o.length)} of ${w(e.rows.length,"kind")}`};return i(),S("Kinds of error",s("p",{class:"lead"},`${w(e.total,"judged error")}, grouped. A count holds everyth\
ing below it.`),Jr(e,n,t,i,a,()=>o),r,e.unclassified>0&&s("p",{class:"note"},`${u(e.unclassified)} fit no kind.`),e.blindSpot&&s("p",{class:"note"},e.blindSpot))}
function Ur(e,t){return e.errors<t.least?!1:t.query?`${e.name} ${e.description}`.toLowerCase().includes(t.query.toLowerCase()):e.depth<=t.depth||e.parent_id!==null&&
t.open.has(e.parent_id)}function Jr(e,t,n,r,a,o){let i=s("input",{type:"search",placeholder:"Search","aria-label":"Search kinds of error",value:t.query,input:()=>{
t.query=i.value.trim(),O({q:t.query}),r()}}),l=s("input",{type:"number",min:1,max:e.total,value:t.least,class:"short",input:()=>{t.least=Math.max(1,Number(l.value)||
1),O({least:t.least>1?t.least:null}),r()}}),c=Array.from({length:n},(d,f)=>String(f+1));return s("div",{class:"tools"},i,ge("Depth",c,String(t.depth),d=>{t.depth=
Number(d),t.open.clear(),O({depth:d}),r()}),s("label",{class:"field"},"at least",l,"errors"),a,se("kinds-of-error",["category_id","parent_id","depth","name","de\
scription","errors","share"].map(d=>({key:d,title:d,value:f=>f[d]})),o))}function Kr(e,t,n,r){let a=t.some(c=>c.parent_id===e.category_id&&c.errors>=n.least),o=n.
depth>e.depth||n.open.has(e.category_id),i=()=>{n.open.delete(e.category_id)||n.open.add(e.category_id),r(),document.querySelector(`.fold[data-id="${CSS.escape(
e.category_id)}"]`)?.focus()},l=a&&n.depth<=e.depth&&!n.query;return s("div",{class:`tree-row depth-${Math.min(e.depth,6)}`},l?s("button",{type:"button",class:"\
fold","data-id":e.category_id,"aria-expanded":String(o),"aria-label":`What is in ${e.name}`,click:i},o?"▾":"▸"):s("span",{class:"fold","aria-hidden":"true"}),
s("a",{class:"row-link name",href:ee(e.category_id)},e.name),s("span",{class:"number"},u(e.errors)),s("span",{class:"number faint"},_(e.share)),rt({rate:e.share}))}
async function $n(){let{id:e=""}=E().parameters,t=Ie(e),n=Oe();if(!t||!n)return B("kind of error","taxonomy");let r=n.rows.find(o=>o.category_id===e),a=n.rows.filter(
o=>o.parent_id===e);return S(t.name,U([["Kinds of error",R("taxonomy")],...Ge(e).slice(0,-1).map(o=>[o.name,ee(o.category_id)])]),t.description&&s("p",{class:"l\
ead"},t.description),s("p",{class:"note"},r?`${w(r.errors,"error")}, ${_(r.share)} of all.`:"None in what is chosen."),s("div",{class:"columns"},x("By model",Qr(
e)),a.length?x("Inside",Xr(a)):null),x("Errors",...gt({name:"errors",question:{...q(),kind:e},unit:"error",total:r?.errors??0,withModel:!0})))}function Xr(e){return s(
"ul",{class:"plain-list"},e.map(t=>s("li",null,s("a",{href:ee(t.category_id)},t.name),s("span",{class:"faint"},` ${u(t.errors)} · ${_(t.share)}`))))}function Qr(e){
let t=(m.taxonomy?.counts??[]).filter(n=>n.category_id===e&&j(n)).map(n=>({...n,scored:Gt(n.dataset,n.model)?.scored??null}));return M({name:"errors by model",plain:!0,
rows:t,sort:"-errors",empty:"None.",columns:[{key:"model",title:"model",first:!0,value:n=>n.model},{key:"dataset",title:"dataset",value:n=>n.dataset,minor:V().length<
2},{key:"errors",title:"errors",number:!0,value:n=>n.errors,render:n=>u(n.errors)},{key:"rate",title:"of its examples",value:n=>n.scored?n.errors/n.scored:null,
render:n=>J({rate:n.scored?n.errors/n.scored:null})}]})}async function En(){let e=m.signatures.filter(j),t=["model","slice"],n={scope:E().parameters.of||"model",
all:E().parameters.all==="1"},r=s("div"),a=()=>{let o=e.filter(i=>i.scope===n.scope&&(n.all||i.significant));r.replaceChildren(Yr(o,n.scope))};return a(),S("Sig\
natures",s("p",{class:"lead"},"Which kinds of error a model makes more often than the other models, and which gather in its slices."),s("div",{class:"tools"},ge(
"Of",t,n.scope,o=>{n.scope=o,O({of:o,sort:null}),a()}),et("not significant, too",n.all,o=>{n.all=o,O({all:o?"1":null}),a()})),r)}function Yr(e,t){let n=t==="mod\
el";return M({name:n?"signatures of models":"signatures of slices",unit:"signature",rows:e,href:r=>ee(r.category_id),text:r=>`${r.category} ${r.model} ${r.dataset}\
 ${r.slice??""}`,sort:"adjusted_p_value",empty:"No kind of error stands out.",columns:[{key:"category",title:"kind of error",first:!0,value:r=>r.category},{key:"\
model",title:"model",value:r=>r.model},{key:"dataset",title:"dataset",value:r=>r.dataset,minor:V().length<2},...n?[]:[{key:"slice",title:"slice",value:r=>r.slice??
r.slice_id}],{key:"errors",title:"errors",number:!0,value:r=>r.errors,render:r=>u(r.errors)},{key:"rate",title:n?"of its examples":"of the errors in it",value:r=>r.
rate,render:r=>J({rate:r.rate,mark:r.rest_rate})},{key:"rest_rate",title:n?"others":"elsewhere",number:!0,value:r=>r.rest_rate,render:r=>_(r.rest_rate)},{key:"r\
isk_ratio",title:"ratio",number:!0,value:r=>r.risk_ratio,render:r=>r.risk_ratio===null?"–":[`${F(r.risk_ratio)} `,!r.claim?.flaw&&s("small",null,`${F(r.risk_ratio_low)}\
–${F(r.risk_ratio_high)}`)]},{key:"adjusted_p_value",title:"adj. p",number:!0,value:r=>r.adjusted_p_value,render:r=>D(r.adjusted_p_value)}]})}var Zr=150,es=200,ts=500;async function Sn(){let e={...E().parameters},[t,n]=[s("div"),s("span",{class:"tally",role:"status"})],r=s("div",{class:"exports"}),a=new AbortController,
o=T.keepsLabels,i=async()=>{a.abort(),a=new AbortController;let{signal:h}=a,{q:v,verdict:C,kind:p,label:k,sort:L}=e,z=setTimeout(()=>n.textContent="Reading …",
Zr);try{let g=await T.find({...q(),q:v,verdict:C,kind:p,label:k,sort:L},De,h);if(h.aborted)return;o||=g.examples.columns.label.some(Boolean),t.replaceChildren(ss(
g,e.sort??"",c)),n.textContent=rs(g.total),r.replaceChildren(ht("examples",g))}catch(g){if(h.aborted)return;n.textContent="",t.replaceChildren(me(g,()=>{i()})),
r.replaceChildren()}finally{clearTimeout(z)}},l=h=>v=>{e[h]=v,O({[h]:v}),i()},c=h=>l("sort")(e.sort===h?`-${h}`:e.sort===`-${h}`?"":h),d=ns(e.q??"",l("q"));await i();
let f=(m.taxonomy?.categories??[]).filter(h=>h.depth===1);return S("Examples",s("p",{class:"lead"},We()),s("div",{class:"tools"},d,ce("verdicts",["failed","pass\
ed","no score"],e.verdict??"",l("verdict")),f.length>0&&_n(f,e.kind??"",l("kind")),o&&ce("labels",Object.keys(ze),e.label??"",l("label")),n,r),t)}function ns(e,t){
let n=0,r=()=>t(a.value.trim()),a=s("input",{type:"search",maxlength:es,placeholder:"Search prompts and answers","aria-label":"Search prompts and answers",value:e,
input:()=>{clearTimeout(n),T.searchMilliseconds?n=setTimeout(r,T.searchMilliseconds):r()}});return a}function rs(e){let{shown:t}=m.examples;return e===t?w(t,"an\
swer"):`${u(e)} of ${w(t,"answer")}`}function ss(e,t,n){if(!e.total)return s("p",{class:"empty"},"No example fits.");let r=kn(e.examples),a=s("tbody",null,e.shown.
map(h=>nt(r,h))),o=tt(r.columns).map(h=>jt(h,{sort:t},()=>n(h.key))),i=s("div",{class:"more"}),l=()=>i.replaceChildren(...ye(e.left,c));async function c(){try{a.
append(...(await e.more(4*De)).map(h=>nt(r,h))),l()}catch(h){i.replaceChildren(me(h,c))}}l();let d=s("caption",{class:"off-screen"},"examples"),f=s("table",{class:"\
data"},d,s("thead",null,s("tr",null,o)),a);return s("div",{class:"table-block"},f,i)}async function Cn(){let{dataset:e="",id:t=""}=E().parameters,{examples:n,total:r}=await T.
find({dataset:e,ids:[t]},ts),a=n.ofExample(e,t);if(!r||!a.length)return B(m.examples.sampled?"example in this report's sample":"example","examples");let{columns:o}=n,
[i]=a;return S(t,U([["Examples",R("examples",{dataset:e})]]),s("p",{class:"lead"},`Of ${e}, answered by ${w(a.length,"model")}.`),m.scope.texts&&s("dl",{class:"\
facts"},y("prompt",W(n,o.prompt[i],l=>P(l))),o.full_prompt[i]>=0&&y("in full",we("The whole prompt as it was sent",()=>W(n,o.full_prompt[i],l=>P(l)))),o.reference[i]>=
0&&y("expected",W(n,o.reference[i],l=>P(l)))),...a.map(l=>as(n,l)))}function as(e,t){let{columns:n}=e,[r,a]=[e.name("dataset",t),e.name("model",t)],o=e.slices(t).
flatMap(i=>oe().find(l=>l.slice_id===i&&l.model===a&&l.dataset===r)??[]);return s("article",{class:`example ${ie(n.failed[t])}`},s("header",null,s("h2",null,a),
re(n.failed[t]),n.score[t]!==null&&s("span",{class:"faint"},`score ${F(n.score[t])}`),n.epochs[t]>1&&s("span",{class:"faint"},`mean of ${n.epochs[t]} repeats; t\
he first is shown`)),s("dl",{class:"facts"},m.scope.texts&&y("answer",W(e,n.response[t],i=>P(i))),pt(e,t),n.outcome[t]&&mt(e,t),o.length>0&&y("slices",o.map((i,l)=>[
l?", ":null,s("a",{href:ue(i)},i.name)]).flat())),n.details[t]>=0&&W(e,n.details[t],i=>os(i)))}function os(e){let{criteria:t,reason:n,metadata:r}=JSON.parse(e??
"{}");return s("dl",{class:"facts"},t&&y("criteria",we(w(t.length,"criterion","criteria"),()=>vn(t))),n&&y("reason",n),r&&y("metadata",we("What the file says of\
 it",()=>s("pre",null,JSON.stringify(r,null,2)))))}var qe=["--slice-1","--slice-2","--slice-3","--slice-4","--slice-5","--slice-6"],is=12,ls=.05,cs=.9,yt=Math.PI/8,bt=Math.PI/2;function Ve(e,t,n,r){let a=t.filter(
b=>e.columns.x[b]!==null),o={x:Ft(a,e.columns.x),y:Ft(a,e.columns.y)},i=us(e,a),l=s("canvas",{role:"img","aria-label":r}),c=s("div",{class:"tip",hidden:!0}),d={
zoom:1,x:.5,y:.5,named:null,solid:!1,turn:.6,tilt:.35},f=new Map(n.flatMap(b=>b.rows.map($=>[$,b])));function h(b){let{clientWidth:$,clientHeight:Y}=l,[ae,te]=[
$-24,Y-24];if(d.solid&&i){let[H,X,xe]=ms(i,b,d.turn,d.tilt),ve=Math.min(ae,te)*d.zoom;return[$/2+ve*(H-(d.x-.5)),Y/2+ve*(X-(d.y-.5)),xe]}return[12+ae*((o.x[b]-d.
x)*d.zoom+.5),12+te*((1-o.y[b]-d.y)*d.zoom+.5),1]}function v(){if(!l.isConnected||!l.clientWidth)return;let b=devicePixelRatio||1;l.width=l.clientWidth*b,l.height=
l.clientHeight*b;let $=l.getContext("2d");$.scale(b,b);let Y=getComputedStyle(document.documentElement),ae=a.length>4e3?1.6:a.length>800?2.4:3.2,te=a.map((H,X)=>({
row:H,one:f.get(H),at:h(X)}));te.sort((H,X)=>Number(C(H.one))-Number(C(X.one))||H.at[2]-X.at[2]);for(let{row:H,one:X,at:xe}of te){let[ve,kt,Ce]=xe,Ht=e.columns.
failed[H]===1,Le=C(X)?X:void 0;$.beginPath(),$.arc(ve,kt,(Le?ae*1.35:ae)*(.6+.4*Ce),0,2*Math.PI);let zt=Y.getPropertyValue(Le?Le.color:Ht?"--point-failed":"--po\
int").trim();$.globalAlpha=(d.named&&!Le?.45:1)*(.35+.65*Ce),Le&&!Ht?($.strokeStyle=zt,$.lineWidth=1.2,$.stroke()):($.fillStyle=zt,$.fill())}}function C(b){return b!==
void 0&&(d.named===null||b.name===d.named)}function p(b){let $=l.getBoundingClientRect(),[Y,ae]=[b.clientX-$.left,b.clientY-$.top],[te,H]=[-1,is**2];return a.forEach(
(X,xe)=>{let[ve,kt]=h(xe),Ce=(ve-Y)**2+(kt-ae)**2;Ce<H&&([te,H]=[xe,Ce])}),te}let k=-1;function L(b){if(k=p(b),l.classList.toggle("pointing",k>=0),k<0){c.hidden=
!0;return}let $=a[k],[Y,ae]=h(k);c.hidden=!1,c.style.left=`${Math.min(Y+12,l.clientWidth-240)}px`,c.style.top=`${ae+12}px`;let te=ke(e.columns.failed[$]),H=s("s\
trong",null,`${e.columns.example_id[$]} · ${te}`);c.replaceChildren(H),e.text(e.columns.prompt[$]).then(X=>{k>=0&&a[k]===$&&X&&c.replaceChildren(H,s("span",null,
ne(X,140)))})}function z(b){let $=he>4?-1:p(b);$>=0&&(location.hash=Z(e.name("dataset",a[$]),e.columns.example_id[a[$]]))}function g(b){d.zoom=Math.min(32,Math.
max(1,d.zoom*b)),d.zoom===1&&([d.x,d.y]=[.5,.5]),v()}function I(b,$=0){d.turn+=b,d.tilt=Math.min(bt,Math.max(-bt,d.tilt+$)),v()}function de(b){Object.assign(d,{
solid:b,zoom:1,x:.5,y:.5}),l.classList.toggle("solid",b),Se.setAttribute("aria-pressed",String(b));for(let $ of Ee)$.hidden=!b;v()}let K=null,he=0;l.addEventListener(
"pointerdown",b=>{K={x:b.clientX,y:b.clientY},he=0,l.setPointerCapture(b.pointerId)}),l.addEventListener("pointerup",()=>K=null),l.addEventListener("pointercanc\
el",()=>K=null),l.addEventListener("pointermove",b=>{if(!K)return;let[$,Y]=[b.clientX-K.x,b.clientY-K.y];he+=Math.abs($)+Math.abs(Y),K={x:b.clientX,y:b.clientY},
d.solid?I($/l.clientWidth*Math.PI,Y/l.clientHeight*Math.PI):d.zoom>1&&(d.x-=$/(l.clientWidth*d.zoom),d.y-=Y/(l.clientHeight*d.zoom),v())}),l.addEventListener("m\
ousemove",L),l.addEventListener("mouseleave",()=>c.hidden=!0),l.addEventListener("click",z),new ResizeObserver(v).observe(l),addEventListener("themechange",v);let Ee=[
s("button",{type:"button",hidden:!0,"aria-label":"Turn left",click:()=>I(-yt)},"◁"),s("button",{type:"button",hidden:!0,"aria-label":"Turn right",click:()=>I(
yt)},"▷"),s("button",{type:"button",hidden:!0,"aria-label":"Tilt",click:()=>I(0,d.tilt+yt>bt?-2*bt:yt)},"△")],Se=s("button",{type:"button","aria-pressed":"f\
alse",title:"The same prompts in space; drag to turn",hidden:!i,click:()=>{de(!d.solid),O({space:d.solid?1:null})}},"3-D"),Zn=s("div",{class:"map-buttons"},Se,Ee,
s("button",{type:"button","aria-label":"Zoom in",click:()=>g(2)},"+"),s("button",{type:"button","aria-label":"Zoom out",click:()=>g(.5)},"−")),er=s("figure",{
class:"map"},s("div",{class:"map-canvas"},l,c),s("figcaption",null,Zn,ds(n),"Each point is a prompt; similar ones lie close. Of the lit ones, filled have failed\
."));return i&&E().parameters.space&&de(!0),{element:er,light(b){d.named=b,v()}}}function ds(e){return s("ul",{class:"legend"},e.map((t,n)=>s("li",null,s("span",
{class:`swatch slice-${n%qe.length+1}`,"aria-hidden":"true"}),t.name)))}function Ft(e,t){let n=e.map(l=>t[l]??0),r=n.map((l,c)=>c).sort((l,c)=>n[l]-n[c]),a=r.length?
n[r[r.length-1]]-n[r[0]]:0,o=new Float64Array(n.length);for(let l=1;l<r.length;l++){let c=n[r[l]]-n[r[l-1]];o[r[l]]=o[r[l-1]]+Math.min(c,ls*a)}let i=r.length?o[r[r.
length-1]]:0;return o.map(l=>i?l/i:.5)}function us(e,t){let n=[e.columns.x_3d,e.columns.y_3d,e.columns.z_3d];if(!t.length||n.some(i=>!i||t.some(l=>i[l]===null)))
return null;let r=n.map(i=>{let l=Ft(t,i),c=l.reduce((d,f)=>d+f,0)/l.length;return l.map(d=>d-c)}),a=t.map((i,l)=>Math.hypot(...r.map(c=>c[l]))).sort((i,l)=>i-l),
o=Math.max(1e-9,a[Math.floor(cs*(a.length-1))]);return r.map(i=>i.map(l=>.9*l/o))}function ms(e,t,n,r){let[a,o,i]=e.map(h=>h[t]),l=a*Math.cos(n)+i*Math.sin(n),c=i*
Math.cos(n)-a*Math.sin(n),d=o*Math.cos(r)-c*Math.sin(r),f=c*Math.cos(r)+o*Math.sin(r);return[l/2,-d/2,Math.min(1,Math.max(0,f/2+.5))]}function xt(e,t,n){return n.
slice(0,qe.length).map((r,a)=>{let o=e.names.slice.indexOf(r.slice_id);return{name:r.name,color:qe[a],rows:t.filter(i=>e.columns.slice[i].includes(o))}})}var Ln=3;async function Tn(){let e=m.audits.filter(j);if(!m.audits.length)return S("Where the models fail",s("p",{class:"empty"},"Nothing has been audited yet: \
run ",s("code",null,"faultmap audit FILE"),"."));let{memo:t}=m,n=e.reduce((i,l)=>i+l.examples,0),[r,...a]=t.rankings.filter(i=>j({dataset:i.dataset})),o=[_s(),ks(),
ws()].filter(i=>i!==null);return S("Where the models fail",s("p",{class:"lead"},`${w(new Set(e.map(i=>i.model)).size,"model")} on ${w(new Set(e.map(i=>i.dataset)).
size,"dataset")}, ${w(n,"answer")}.`),s("div",{class:"columns memo"},r&&Rn(r),await hs(e)),x("Repair first",ys()),xs(),x("What these data cannot tell",vs(t)),a.
length>0&&x("The other datasets",Q(a,Rn,{step:6})),o.length>0&&x("More",s("ul",{class:"findings"},o)),m.changes&&x("What changed",$s(m.changes)))}function Rn(e){
let t=e.models.filter(({model:o})=>j({dataset:e.dataset,model:o})),n=e.models.filter(o=>o.failure_rate!==null).length>1,[{scored:r}]=e.models,a=e.models.every(o=>o.
scored===r&&o.examples===r)?r:null;return s("section",{class:"ranking"},s("h2",null,e.dataset,a!==null&&s("small",null,n?` ${u(a)} answers of each`:` ${w(a,"ans\
wer")}`)),e.told&&s("p",null,e.told),M({name:`models on ${e.dataset}`,plain:!0,rows:t,href:o=>G("slices",{dataset:e.dataset,model:o.model}),columns:[{key:"model",
title:"model",first:!0,value:o=>o.model,render:o=>pe(o.model)},{key:"failure_rate",title:"failed",value:o=>o.failure_rate,render:o=>J({rate:o.failure_rate,low:o.
failure_rate_low,high:o.failure_rate_high})},...a===null?[{key:"scored",title:"answers",number:!0,value:o=>o.scored,render:fs}]:[],...n?[{key:"place",title:"pla\
ce",value:o=>e.models.indexOf(o),render:ps}]:[],{key:"slices",title:"weak spots",number:!0,value:o=>o.slices,render:o=>u(o.slices)}]}),n&&Nt("How the order is m\
ade","Models stand by the share of their answers that failed, with its 95% interval (Wilson). Who leads and who is tied is decided by comparing answers to the s\
ame prompts, two models at a time (McNemar's test, p adjusted over all pairs): “tied” means that the comparison with the first model shows no winner. A weak spo\
t is a group of prompts in which the model fails more often than on the rest (a failure slice)."))}function ps(e){return s("span",{class:`place ${e.place.replace(
" ","-")}`},e.place)}function fs(e){let t=e.examples-e.scored;return[u(e.scored),t>0&&s("small",{class:"under"},`${u(t)} more without a score`)]}async function hs(e){
let[t]=Mn(),n=e.find(i=>t&&i.dataset===t.dataset&&i.model===t.model)??at(e);if(!n)return null;let r=await T.map(),a=r.of(n.dataset,n.model),o=Ve(r,a,xt(r,a,n.slices),
`Map of the prompts of ${n.dataset}, as ${n.model} answers them`);return s("div",null,s("h2",null,"Map of the prompts",s("small",null," as ",pe(n.model)," answe\
rs them")),o.element)}function Mn(){let{model:e}=q();return m.memo.repairs.filter(t=>j({dataset:t.dataset})&&(!e||t.model===e||t.also_of.includes(e))).map(t=>e&&
t.model!==e?gs(t,e):t)}function gs(e,t){let n=oe().find(a=>a.slice_id===e.slice_id&&a.dataset===e.dataset&&a.model===t),r=[e.model,...e.also_of].filter(a=>a!==t);
return{...e,model:t,name:n?.name??e.name,claim:n?.claim??e.claim,recoverable:"",also_of:r}}function ys(){let e=Mn(),{no_outcome:t}=m.memo;if(t)return s("p",{class:"\
empty"},t);if(!e.length){let r=Nn().length?" that is more than chance over the whole audit":"";return s("p",{class:"empty"},`No group of prompts was found in wh\
ich a model fails more often than elsewhere${r}.`)}let n=e.length-Ln;return[s("ol",{class:"repairs"},e.slice(0,Ln).map(bs)),n>0&&s("p",null,s("a",{href:R("slice\
s")},`All ${u(oe().filter(j).length)} weak spots`))]}function bs(e){return s("li",null,s("a",{class:"row-link",href:ue(e)},e.name),s("p",null,s("span",{class:"f\
aint"},V().length>1?`${e.model} on ${e.dataset}: `:`${e.model}: `),e.claim.told),e.prompt&&s("p",{class:"typical"},"For example: ",s("q",null,ne(e.prompt,180))),
e.recoverable&&s("p",null,e.recoverable),e.also_of.length>0&&s("p",{class:"note"},`The same prompts are a weak spot of ${e.also_of.join(", ")}.`),le(e.claim))}function Nn(){
return m.memo.may_be_chance.filter(j)}function xs(){let e=Nn();return e.length?x("May be chance",s("p",null,`Each of these was found in one of ${u(m.memo.searches)}\
 searches (a model on a dataset); among all of them a finding like it can come up by chance. Look before you repair.`),Q(e,t=>s("p",null,s("a",{class:"row-link",
href:ue(t)},t.name),` ${t.model}: ${t.claim.told}`),{step:5})):null}function vs(e){return e.cannot_tell.length?s("ul",{class:"cannot"},e.cannot_tell.map(t=>s("l\
i",null,t))):s("p",{class:"empty"},"Every answer has a score, and no row was set aside.")}function vt(e,t,...n){return s("li",null,s("a",{class:"row-link findin\
g",href:t},s("span",{class:"kind"},e),s("span",{class:"told"},...n)))}function _s(){let e=Oe(),t=(e?.rows??[]).filter(r=>r.depth===1&&!r.other&&r.category_id!==
"unexplained").slice(0,3);if(!e||!t.length)return null;let n=t.map((r,a)=>[a?", ":null,s("strong",null,r.name),` ${_(r.share)}`]).flat();return vt("why",R("taxo\
nomy"),...n,` of ${w(e.total,"error")}`)}function ks(){let e=m.coverage.at(-1);if(!e)return null;let[t]=e.gaps;return t?vt("untested",je({...t,day:e.day}),s("st\
rong",null,t.name),`: ${_(t.traffic_share)} of production on ${e.day}; the tests cover about ${_(e.coverage)} of that day`):vt("tested",R("coverage"),`About ${_(
e.coverage)} of production on ${e.day} is like something that is tested`)}function ws(){let e=m.quality.filter(t=>j({dataset:t.dataset})).flatMap(t=>t.items.filter(
n=>n.flag==="suspect_label"||n.flag==="contradictory_label"));return e.length?vt("doubtful",R("quality",{flag:e[0].flag}),s("strong",null,w(e.length,"label")),"\
 may be wrong: the models agree on another answer, or copies contradict each other"):null}function $s(e){let{dataset:t,model:n}=q(),r=e.findings.filter(a=>(!t||
!a.dataset||a.dataset===t)&&(!n||!a.model||a.model.split("|").includes(n)));return[s("p",{class:"note"},`The audit of ${e.audited_at} against the one of ${e.since}\
.`),e.alerts.length>0&&s("ul",{class:"plain-list alerts"},e.alerts.map(a=>s("li",null,s("strong",null,N(a.severity.toLowerCase())),`: ${a.message}`))),r.length?
Q(r,Es,{step:8}):s("p",{class:"empty"},"Nothing: every finding stands as before.")].filter(a=>a!==!1)}function Es(e){let t=Ss(e),n=[e.name===e.kind?"":N(e.kind),
e.model,e.dataset,e.day].filter(Boolean).join(" · "),r=He(e),a=e.value===null?"":e.before===null||e.before===void 0?_(e.value):`${_(e.before)} → ${_(e.value)}`;
return s("div",{class:"change"},s("span",{class:`status ${e.status}`},e.status),s("span",null,t?s("a",{class:"row-link",href:t},r):s("strong",null,r),a&&` ${a}`,
s("small",null,` ${n}`)))}function Ss(e){if(e.status==="gone"||!e.source_id)return null;let t=oe().find(r=>r.slice_id===e.source_id&&r.dataset===e.dataset&&r.model===
e.model);if(t)return ue(t);if(e.kind==="error_category"){let r=(m.taxonomy?.categories??[]).find(a=>a.name===e.name);return r?ee(r.category_id):null}let n=Te().
find(r=>r.gap_id===e.source_id&&r.day===e.day);return n?je(n):null}var Be=class{diff(t,n,r={}){let a;typeof r=="function"?(a=r,r={}):"callback"in r&&(a=r.callback);let o=this.castInput(t,r),i=this.castInput(n,r),l=this.removeEmpty(
this.tokenize(o,r)),c=this.removeEmpty(this.tokenize(i,r));return this.diffWithOptionsObj(l,c,r,a)}diffWithOptionsObj(t,n,r,a){var o;let i=g=>{if(g=this.postProcess(
g,r),a){setTimeout(function(){a(g)},0);return}else return g},l=n.length,c=t.length,d=1,f=l+c;r.maxEditLength!=null&&(f=Math.min(f,r.maxEditLength));let h=(o=r.timeout)!==
null&&o!==void 0?o:1/0,v=Date.now()+h,C=[{oldPos:-1,lastComponent:void 0}],p=this.extractCommon(C[0],n,t,0,r);if(C[0].oldPos+1>=c&&p+1>=l)return i(this.buildValues(
C[0].lastComponent,n,t));let k=-1/0,L=1/0,z=()=>{for(let g=Math.max(k,-d);g<=Math.min(L,d);g+=2){let I,de=C[g-1],K=C[g+1];de&&(C[g-1]=void 0);let he=!1;if(K){let Se=K.
oldPos-g;he=K&&0<=Se&&Se<l}let Ee=de&&de.oldPos+1<c;if(!he&&!Ee){C[g]=void 0;continue}if(!Ee||he&&de.oldPos<K.oldPos?I=this.addToPath(K,!0,!1,0,r):I=this.addToPath(
de,!1,!0,1,r),p=this.extractCommon(I,n,t,g,r),I.oldPos+1>=c&&p+1>=l)return i(this.buildValues(I.lastComponent,n,t))||!0;C[g]=I,I.oldPos+1>=c&&(L=Math.min(L,g-1)),
p+1>=l&&(k=Math.max(k,g+1))}d++};if(a)(function g(){setTimeout(function(){if(d>f||Date.now()>v)return a(void 0);z()||g()},0)})();else for(;d<=f&&Date.now()<=v;){
let g=z();if(g)return g}}addToPath(t,n,r,a,o){let i=t.lastComponent;return i&&!o.oneChangePerToken&&i.added===n&&i.removed===r?{oldPos:t.oldPos+a,lastComponent:{
count:i.count+1,added:n,removed:r,previousComponent:i.previousComponent}}:{oldPos:t.oldPos+a,lastComponent:{count:1,added:n,removed:r,previousComponent:i}}}extractCommon(t,n,r,a,o){
let i=n.length,l=r.length,c=t.oldPos,d=c-a,f=0;for(;d+1<i&&c+1<l&&this.equals(r[c+1],n[d+1],o);)d++,c++,f++,o.oneChangePerToken&&(t.lastComponent={count:1,previousComponent:t.
lastComponent,added:!1,removed:!1});return f&&!o.oneChangePerToken&&(t.lastComponent={count:f,previousComponent:t.lastComponent,added:!1,removed:!1}),t.oldPos=c,
d}equals(t,n,r){return r.comparator?r.comparator(t,n):t===n||!!r.ignoreCase&&t.toLowerCase()===n.toLowerCase()}removeEmpty(t){let n=[];for(let r=0;r<t.length;r++)
t[r]&&n.push(t[r]);return n}castInput(t,n){return t}tokenize(t,n){return Array.from(t)}join(t){return t.join("")}postProcess(t,n){return t}get useLongestToken(){
return!1}buildValues(t,n,r){let a=[],o;for(;t;)a.push(t),o=t.previousComponent,delete t.previousComponent,t=o;a.reverse();let i=a.length,l=0,c=0,d=0;for(;l<i;l++){
let f=a[l];if(f.removed)f.value=this.join(r.slice(d,d+f.count)),d+=f.count;else{if(!f.added&&this.useLongestToken){let h=n.slice(c,c+f.count);h=h.map(function(v,C){
let p=r[d+C];return p.length>v.length?p:v}),f.value=this.join(h)}else f.value=this.join(n.slice(c,c+f.count));c+=f.count,f.added||(d+=f.count)}}return a}};var qt=class extends Be{tokenize(t){return t.slice()}join(t){return t}removeEmpty(t){return t}},Pn=new qt;function Vt(e,t,n){return Pn.diff(e,t,n)}var Cs=3e3;function On(e,t){let n={left:[],right:[]},r=Vt(jn(e),jn(t),{maxEditLength:Cs});if(!r)return{left:[_t(e,"left")],right:[_t(t,"right")]};for(let{value:a,
added:o,removed:i}of r){let l=a.join("");o||n.left.push(i?_t(l,"left"):l),i||n.right.push(o?_t(l,"right"):l)}return n}function jn(e){return e.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu)??
[]}function _t(e,t){return s("mark",{class:t},e)}function Dn(e,t,n){let r=e.ofExample(t.dataset,n),a=r.find(i=>e.name("model",i)===t.model_a),o=r.find(i=>e.name("model",i)===t.model_b);return a===void 0||o===void 0?
null:{a,b:o}}function Fn(e){let t=["",`only ${e.model_a} right`,`only ${e.model_b} right`],n=Number(E().parameters.only)||0,r=e.discordant_a_wins+e.discordant_b_wins,
a={dataset:e.dataset,a:e.model_a,b:e.model_b};return ft({find:(o,i)=>T.disagreements({...a,right:["",e.model_a,e.model_b][t.indexOf(o)]},i),show:({examples:o},i)=>Bt(
o,e,i),tell:(o,i)=>!i&&o.total<r?`${u(o.total)} of ${w(r,"disagreement")} are in this report's sample`:w(o.total,"disagreement"),exports:o=>se("disagreements",Ls(
o.examples),()=>o.all()),step:5,kinds:t,chosen:t[n],change:o=>O({only:t.indexOf(o)||null})})}function Ls(e){let{columns:t}=e;return[{key:"dataset",title:"datase\
t",value:n=>e.name("dataset",n.a)},{key:"example_id",title:"example_id",value:n=>t.example_id[n.a]},{key:"model_a",title:"model_a",value:n=>e.name("model",n.a)},
{key:"model_b",title:"model_b",value:n=>e.name("model",n.b)},{key:"failed_a",title:"failed_a",value:n=>t.failed[n.a]===1},{key:"failed_b",title:"failed_b",value:n=>t.
failed[n.b]===1},...m.scope.texts?[{key:"prompt",title:"prompt",value:n=>e.textNow(t.prompt[n.a])},{key:"reference",title:"reference",value:n=>e.textNow(t.reference[n.
a])},{key:"response_a",title:"response_a",value:n=>e.textNow(t.response[n.a])},{key:"response_b",title:"response_b",value:n=>e.textNow(t.response[n.b])}]:[]]}function Bt(e,t,{
a:n,b:r}){let{columns:a}=e,o=s("div",{class:"sides"}),i={diff:!1},l=async()=>{let[c,d]=await Promise.all([e.text(a.response[n]),e.text(a.response[r])]),f=i.diff&&
c!==null&&d!==null?On(c,d):null;o.replaceChildren(An(t.model_a,a.failed[n],c,f?.left),An(t.model_b,a.failed[r],d,f?.right))};return m.scope.texts&&l(),s("articl\
e",{class:"example"},s("header",null,s("a",{class:"row-link",href:Z(t.dataset,a.example_id[n])},a.example_id[n]),m.scope.texts&&et("mark differences",!1,c=>{i.diff=
c,l()})),m.scope.texts&&s("dl",{class:"facts"},y("prompt",W(e,a.prompt[n],c=>P(c))),a.reference[n]>=0&&y("expected",W(e,a.reference[n],c=>P(c)))),o)}function An(e,t,n,r){
return s("div",{class:`side ${ie(t)}`},s("p",{class:"side-head"},s("span",null,e),re(t)),P(n,{pieces:r}))}var Rs=500;function qn(){let{dataset:e,a:t,b:n}=E().parameters;return m.comparisons.find(r=>r.dataset===e&&r.model_a===t&&r.model_b===n)}async function Vn(){let e=qn();
return e?S(`${e.model_a} or ${e.model_b}`,U([["Comparison",R("comparison")]]),s("p",{class:"lead"},e.compared>0?[e.claim.told,e.note,e.pairing].filter(Boolean).
join(" "):e.pairing||e.claim.told),e.compared>0&&Ts(e),e.slices.length>0&&x("Where that changes",Ms(e)),e.compared>0&&x("Where they disagree",Fn(e))):B("compari\
son","comparison")}function Ts(e){return s("div",{class:"panel"},e.claim.inside!==null&&be({label:e.model_a,rate:e.failure_rate_a,note:`failed of ${u(e.compared)}`},
{label:e.model_b,rate:e.failure_rate_b,note:`failed of ${u(e.compared)}`}),!e.claim.flaw&&cn({difference:e.difference,low:e.difference_low,high:e.difference_high,
left:`${e.model_b} better`,right:`${e.model_a} better`}),s("p",{class:"note"},`Only ${e.model_a} is right on ${u(e.discordant_a_wins)}, only ${e.model_b} on ${u(
e.discordant_b_wins)}.`),le(e.claim))}function Ms(e){return M({name:"slices of the comparison",plain:!0,rows:e.slices,href:t=>G("pairslice",{dataset:e.dataset,a:e.
model_a,b:e.model_b,id:t.slice_id}),columns:[{key:"name",title:"slice",first:!0,value:t=>t.name},{key:"size",title:"examples",number:!0,value:t=>t.size,render:t=>u(
t.size)},{key:"failure_rate_a",title:e.model_a,value:t=>t.claim.inside,render:t=>Fe({...t,compared:t.size},"inside")},{key:"failure_rate_b",title:e.model_b,value:t=>t.
claim.outside,render:t=>Fe({...t,compared:t.size},"outside")},{key:"winner",title:"winner here",value:t=>t.winner,render:Ot},{key:"adjusted_p_value",title:"adj.\
 p",number:!0,value:t=>t.selection_adjusted_p_value,render:t=>D(t.selection_adjusted_p_value)}]})}async function Bn(){let e=qn(),t=e?.slices.find(o=>o.slice_id===
E().parameters.id);if(!e||!t)return B("slice of a comparison","comparison");let n=t.examples.map(o=>o.example_id),{examples:r}=await T.find({dataset:e.dataset,ids:n},
Rs),a=n.flatMap(o=>Dn(r,e,o)??[]);return S(t.name,U([["Comparison",R("comparison")],[`${e.model_a} or ${e.model_b}`,Pe(e)]]),t.description&&s("p",{class:"lead"},
t.description),s("div",{class:"panel"},t.claim.inside!==null&&be({label:e.model_a,rate:t.failure_rate_a,note:`failed of ${u(t.size)}`},{label:e.model_b,rate:t.failure_rate_b,
note:`failed of ${u(t.size)}`}),s("p",null,t.claim.told),t.claim.inside!==null&&s("p",{class:"note"},`Only ${e.model_a} right: ${u(t.discordant_a_wins)}; only ${e.
model_b} right: ${u(t.discordant_b_wins)}; both right: ${u(t.concordant_pass)}; both wrong: ${u(t.concordant_fail)}. Of the disagreements ${_(t.advantage_rate)}\
 go to ${e.model_a}, elsewhere ${_(t.rest_advantage_rate)} (adjusted p ${D(t.selection_adjusted_p_value)}).`),le(t.claim)),fe({...t,dataset:e.dataset}),x("Examp\
les",Q(a,o=>Bt(r,e,o),{step:5})))}async function Wn(){let e=m.quality.filter(n=>j({dataset:n.dataset})),t=e.flatMap(n=>n.items);return S("Dataset quality",s("p",{class:"lead"},"What the answers \
say about the datasets themselves: labels that look wrong, copies, items that tell nothing."),e.length===0&&s("p",{class:"empty"},"Not measured yet."),e.length>
0&&x("Figures",...e.map(n=>Ns(n,e.length>1))),e.length>0&&x("Items that want a look",js(t)))}function Ns(e,t){return s("div",{class:"panel"},t&&s("h3",null,e.dataset),
s("dl",{class:"facts measures"},e.measures.map(n=>y(N(n.measure),s("strong",null,Ps(n)),s("span",{class:"faint"},` ${n.meaning}`)))))}function Ps(e){return/share|agreement|difference|rate/.
test(e.measure)?_(e.value):F(e.value)}var Wt=["contradictory_label","suspect_label","misjudged_answer","no_error_found","negative_discrimination","duplicate","n\
ear_duplicate","all_models_fail"];function js(e){return M({name:"items that want a look",unit:"item",rows:[...e].sort((t,n)=>Wt.indexOf(t.flag)-Wt.indexOf(n.flag)),
href:t=>Z(t.dataset,t.example_id),text:t=>[t.example_id,t.evidence,t.flag].join(" "),filters:[{key:"flag",label:"flags",options:Wt.filter(t=>e.some(n=>n.flag===
t)),matches:(t,n)=>t.flag===n}],empty:"None.",columns:[{key:"example_id",title:"example",first:!0,value:t=>t.example_id},{key:"flag",title:"flag",value:t=>t.flag,
render:t=>N(t.flag)},{key:"dataset",title:"dataset",value:t=>t.dataset,minor:V().length<2},{key:"evidence",title:"evidence",value:t=>t.evidence},{key:"rank_scor\
e",title:"score",number:!0,value:t=>t.rank_score,render:t=>F(t.rank_score)}]})}async function zn(){let{dataset:e,model:t}=q(),n=m.trends.filter(r=>(!e||r.dataset===e)&&(!t||r.model.split("|").includes(t)));return S("Trends",s("p",{class:"l\
ead"},"How findings developed from audit to audit."),n.length===0&&s("p",{class:"empty"},"There is one audit so far; the next one makes a trend."),n.length>0&&Q(
[...n].sort((r,a)=>Number(a.present)-Number(r.present)||a.points.length-r.points.length),Os,{step:12}))}function Os(e){let t=He(e),n=[e.name===e.kind?"":N(e.kind),
e.model,e.dataset].filter(Boolean).join(" · "),r=e.points.map(a=>({...a,label:a.label.slice(5)}));return s("section",{class:"trend"},s("h2",null,t),s("p",{class:"\
note"},n),st(r,t))}async function In(){let{run:e}=m;return S("Facts of the run",s("p",{class:"lead"},We()),x("From the files to the rows",e.files.ledger&&s("p",
{class:"note"},e.files.ledger),As(e)),x("Assets",Ds(e)),x("Language models",Fs(e)),m.quarantined.length>0&&x("Rows that were set aside",qs()),Object.keys(e.parameters).
length>0&&x("Parameters",Hn({seed:e.seed,...e.parameters})),x("Versions",Hn({...e.versions,embedders:e.embedders})))}function As(e){let{files:t}=e,n=m.judging.reduce(
(a,o)=>a+o.rows,0),r=a=>m.judging.filter(o=>o.outcome===a).reduce((o,i)=>o+i.rows,0);return s("dl",{class:"facts compact"},y("files",u(t.files)),y("rows read",u(
t.rows_read)),y("kept",u(t.rows_kept)),y("set aside",u(t.rows_quarantined)),y("repeated",u(t.rows_repeated)),y("failures judged",`${u(n)}: ${u(r("error")+r("who\
le_solution_incorrect"))} errors, ${u(r("no_error_found"))} without an error, ${u(r("failed"))} failed`),m.taxonomy&&y("taxonomy",`version ${m.taxonomy.version}\
, made by ${m.taxonomy.method}${m.taxonomy.built_from?` from ${w(m.taxonomy.built_from,"error")}`:""}`),m.taxonomy&&Object.entries(m.taxonomy.quality).filter(([
,a])=>a!==null&&a!==0).map(([a,o])=>y(`taxonomy: ${N(a)}`,F(o))))}function Ds(e){return M({name:"assets",plain:!0,rows:e.assets.filter(t=>t.partitions>0),columns:[
{key:"asset",title:"asset",first:!0,value:t=>t.asset},{key:"partitions",title:"partitions",number:!0,value:t=>t.partitions,render:t=>u(t.partitions)},{key:"rows",
title:"rows",number:!0,value:t=>t.rows,render:t=>u(t.rows)},{key:"pending",title:"pending",number:!0,value:t=>t.pending,render:t=>u(t.pending)},{key:"blocked",title:"\
held back by a check",number:!0,value:t=>t.blocked,render:t=>u(t.blocked)},{key:"code_version",title:"code version",number:!0,value:t=>t.code_version}]})}function Fs(e){
return M({name:"what language models cost",plain:!0,rows:e.spent,empty:"No language model was asked: names come from keywords, judgments from rules.",columns:[{
key:"asset",title:"asset",first:!0,value:t=>t.asset},{key:"model",title:"model",value:t=>t.model},{key:"calls",title:"calls",number:!0,value:t=>t.calls,render:t=>u(
t.calls)},{key:"cached",title:"cached",number:!0,value:t=>t.cached,render:t=>u(t.cached)},{key:"failed",title:"failed",number:!0,value:t=>t.failed,render:t=>u(t.
failed)},{key:"prompt_tokens",title:"prompt tokens",number:!0,value:t=>t.prompt_tokens,render:t=>u(t.prompt_tokens)},{key:"completion_tokens",title:"reply token\
s",number:!0,value:t=>t.completion_tokens,render:t=>u(t.completion_tokens)},{key:"cost_usd",title:"USD",number:!0,value:t=>t.cost_usd,render:t=>t.cost_usd===null?
"unknown":t.cost_usd.toFixed(2)}]})}function qs(){return M({name:"rows that were set aside",plain:!0,rows:m.quarantined,columns:[{key:"reason",title:"reason",first:!0,
value:e=>e.reason},{key:"path",title:"file",value:e=>e.path},{key:"rows",title:"rows",number:!0,value:e=>e.rows,render:e=>u(e.rows)}]})}function Hn(e){let t=Gn(
e,"");return s("dl",{class:"facts compact"},t.map(([n,r])=>y(N(n),s("code",null,r))))}function Gn(e,t){return Object.entries(e).flatMap(([n,r])=>{if(r==null)return[];
let a=t?`${t} · ${n}`:n;return Array.isArray(r)?r.length?[[a,r.join(", ")]]:[]:typeof r=="object"?Gn(r,a):[[a,String(r)]]})}async function Jn(){let e=oe().filter(j),t=s("div",{class:"map-place"}),n=null,r=Vs(e,o=>{n&&(!o||o.dataset===n.dataset&&o.model===n.model)&&n.light(o?o.name:null)}),
a=m.audits.filter(j);if(a.length){let o=await T.map(),i=a.find(f=>`${f.dataset} ${f.model}`===E().parameters.map)??at(a),l=()=>{let f=o.of(i.dataset,i.model),h=Ve(
o,f,xt(o,f,i.slices),`Map of the prompts of ${i.dataset}, as ${i.model} answers them`);n={light:h.light,dataset:i.dataset,model:i.model},t.replaceChildren(d(),h.
element)},c=a.map(f=>`${f.dataset} ${f.model}`),d=()=>s("div",{class:"map-head"},s("h2",null,`${i.model} on ${i.dataset}`),c.length>1&&ce("map",c,`${i.dataset} ${i.
model}`,f=>{i=a[c.indexOf(f)],O({map:f}),l()},{all:!1}));l()}return S("Failure slices",s("p",{class:"lead"},"Weak spots: groups of prompts in which a model fail\
s more often than on all its other prompts, beyond chance."),r,t)}function Un(e){return e.estimated_excess_failures??e.excess_failures}function Vs(e,t){return M(
{name:"failure slices",unit:"slice",rows:e,href:ue,hover:t,sort:"-estimated_excess_failures",text:n=>[n.name,n.description,n.root_cause,n.dataset,n.model,n.slice_id].
join(" "),empty:"No region fails significantly more than the rest.",columns:[{key:"name",title:"slice",first:!0,value:n=>n.name},{key:"model",title:"model",value:n=>n.
model},{key:"dataset",title:"dataset",value:n=>n.dataset,minor:V().length<2},{key:"failure_rate",title:"here",value:n=>n.failure_rate,render:ot},{key:"baseline_\
rate",title:"elsewhere",number:!0,value:n=>n.baseline_rate,render:n=>n.claim.outside_text},{key:"size",title:"examples",number:!0,value:n=>n.size,render:n=>u(n.
size)},{key:"estimated_excess_failures",title:"failures beyond the rest",number:!0,value:Un,render:n=>`+${Math.round(Un(n))}`},{key:"adjusted_p_value",title:"ad\
j. p",number:!0,value:n=>n.adjusted_p_value,render:n=>D(n.adjusted_p_value)},{key:"slice_id",title:"id",hidden:!0,value:n=>n.slice_id}]})}async function Kn(){let{
dataset:e,model:t,id:n}=E().parameters,r=oe().find(d=>d.slice_id===n&&d.dataset===e&&d.model===t);if(!r)return B("slice","slices");let a=await T.map(),o=a.names.
slice.indexOf(r.slice_id),i=a.of(e,t),l=i.filter(d=>a.columns.slice[d].includes(o)),c=Ve(a,i,[{name:r.name,color:qe[0],rows:l}],`Map of ${e} with the slice ${r.
name}`);return S(r.name,U([["Failure slices",R("slices")]]),s("p",{class:"lead"},`${r.model} on ${r.dataset}`,r.description&&`. ${r.description}`),s("div",{class:"\
columns"},s("div",null,it(r),fe(r),Bs(r)),c.element),x("Examples",...Ws(r)),lt(r))}function Bs(e){let t=m.signatures.filter(n=>n.scope==="slice"&&n.significant&&
n.slice_id===e.slice_id&&n.model===e.model&&n.dataset===e.dataset);return t.length?s("div",null,s("h2",null,"Kinds of error that gather here"),s("ul",{class:"pl\
ain-list"},t.slice(0,6).map(n=>s("li",null,s("a",{href:ee(n.category_id)},n.category),s("span",{class:"faint"},` ${_(n.rate)} of the errors here, ${_(n.rest_rate)}\
 elsewhere`))))):null}function Ws(e){let t=[e.failures>0?"failed":"",e.failures<e.size?"passed":""].filter(Boolean);return gt({name:`slice-${e.slice_id}`,question:{
dataset:e.dataset,model:e.model,slice:e.slice_id,sort:"-verdict",first:e.examples.map(n=>n.example_id)},unit:"example",total:e.size,verdicts:t,chosen:E().parameters.
show??"",change:n=>O({show:n})})}var Hs={overview:Tn,slices:Jn,slice:Kn,taxonomy:wn,category:$n,signatures:En,comparison:dn,pair:Vn,pairslice:Bn,coverage:yn,gap:bn,production:hn,topic:gn,quality:Wn,
examples:Sn,example:Cn,trends:zn,run:In};function zs(){let e=s("nav",{id:"menu","aria-label":"Views"},s("ul",null,Ae.filter(([r])=>en?.includes(r)??!0).map(([r,
a])=>s("li",null,s("a",{"data-view":r},a))))),t=s("button",{type:"button",class:"menu-button","aria-expanded":"false","aria-controls":"menu",click:()=>n(!e.classList.
contains("open"))},"Menu");function n(r){e.classList.toggle("open",r),t.setAttribute("aria-expanded",String(r))}return addEventListener("hashchange",()=>n(!1)),
s("header",{class:"frame"},s("div",{class:"brand"},s("a",{href:"#/"},"faultmap"),t),e,s("div",{class:"choices"}),s("div",{class:"frame-tools"},s("button",{type:"\
button",class:"quiet",click:Ye},"Light / dark"),s("button",{type:"button",class:"quiet",click:Tt,"aria-label":"Keys and help"},"Keys")))}function Is(){let{view:e}=E(),
{dataset:t,model:n}=q();for(let o of document.querySelectorAll("#menu a")){let i=o.dataset.view??"";o.setAttribute("href",R(i)),i===(Zt[e]??e)?o.setAttribute("a\
ria-current","page"):o.removeAttribute("aria-current")}let r=Ae.some(([o])=>o===e)&&e!=="coverage"&&e!=="run",a=[r&&V().length>1?ce("datasets",V(),t,o=>Et({dataset:o})):
null,r&&e!=="quality"&&wt().length>1?ce("models",wt(),n,o=>Et({model:o})):null].filter(o=>o!==null);document.querySelector(".choices")?.replaceChildren(...a)}var Xn=0;
async function Qn(e=!1){let t=++Xn,{view:n}=E();Is();let r=await(Hs[n]??(async()=>B("view","overview")))().catch(o=>S("This view could not be drawn",s("p",null,
o.message)));if(t!==Xn)return;let a=document.getElementById("main");a.replaceChildren(r),document.title=`${r.dataset.title} · faultmap`,sn()?a.querySelector("i\
nput[type=search]")?.focus():e||(scrollTo(0,0),a.querySelector("h1")?.focus({preventScroll:!0}))}async function Yn(){tn();try{It(await T.findings())}catch(e){document.
getElementById("main").replaceChildren(s("h1",null,"The findings could not be read"),me(e,()=>{Yn()}));return}document.getElementById("main")?.classList.remove(
"plain"),document.body.prepend(s("a",{class:"skip",href:"#main",click:e=>{e.preventDefault(),document.querySelector("h1")?.focus()}},"Skip to the content"),zs()),
addEventListener("hashchange",()=>{Qn()}),addEventListener("keydown",rn),await Qn(!0),document.documentElement.dataset.ready="true",setTimeout(()=>{T.map().catch(
()=>{})},200)}Yn();})();
