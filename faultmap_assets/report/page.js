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
"use strict";(()=>{function _(t){if(t==null)return"–";let e=100*t;return e>0&&e<.05?"< 0.1%":e>0&&e<.95?`${e.toFixed(1)}%`:e<100&&e>99?`${e.toFixed(1)}%`:`${Math.round(e)}%`}function Le(t,e){
return t==null||e===null||e===void 0?"":`${Math.round(100*t)}–${Math.round(100*e)}%`}function F(t){return t==null?"–":t<1e-4?"< 0.0001":t.toPrecision(2).replace(
/^(0\.\d*?)0+$/,"$1")}function u(t){return t==null?"–":t.toLocaleString("en-US")}function q(t){return t==null?"–":Number.isInteger(t)?u(t):Math.abs(t)>=100?
u(Math.round(t)):String(Number(t.toPrecision(3)))}function k(t,e,n){return`${u(t)} ${t===1?e:n??`${e}s`}`}function ne(t,e){let n=t.replace(/\s+/g," ").trim();return n.
length<=e?n:`${n.slice(0,e-1).trimEnd()}…`}function N(t){return t.replaceAll("_"," ")}function _e(t,e){let[n,r]=[t==null,e==null];return n||r?Number(n)-Number(
r):typeof t=="number"&&typeof e=="number"?t-e:String(t).localeCompare(String(e),"en",{numeric:!0})}function xe(t){return t===1?"failed":t===0?"passed":"no score"}var m={};function zt(t){m=t}function de(){return m.audits.flatMap(t=>t.slices)}function Te(){return[...m.coverage].reverse().flatMap(t=>t.gaps.map(e=>({...e,day:t.
day})))}function B(){return[...new Set(m.audits.map(t=>t.dataset))]}function kt(){return[...new Set(m.audits.map(t=>t.model))].sort()}function It(t,e){return m.
audits.find(n=>n.dataset===t&&n.model===e)}function De(){let{total:t,shown:e,sampled:n,seed:r}=m.examples;return n?`${u(e)} of ${u(t)} answers: those that findi\
ngs cite, and a sample of the rest (seed ${r}). Counts elsewhere are of all.`:`${k(t,"answer")}, one per model and example.`}function He(t){return t.name===t.kind?
N(t.name):t.name}var Ut=["x","y","x_3d","y_3d","z_3d"],tr=["prompt","full_prompt","response","reference","error_summary","details"],Me=class{constructor(e,n){this.texts=n;this.names=
e.names,this.columns=e.columns}texts;names;columns;get n(){return this.columns.example_id.length}async text(e){return e<0?null:this.texts.read(e)}textNow(e){return e<
0?null:this.texts.now(e)}name(e,n){return this.names[e][this.columns[e][n]]??""}slices(e){return this.columns.slice[e].map(n=>this.names.slice[n])}where(e){let n=[];
for(let r=0;r<this.n;r++)e(r)&&n.push(r);return n}of(e,n){let[r,o]=[this.names.dataset.indexOf(e),this.names.model.indexOf(n)];return this.where(a=>this.columns.
dataset[a]===r&&this.columns.model[a]===o)}ofExample(e,n){let r=this.names.dataset.indexOf(e);return this.where(o=>this.columns.example_id[o]===n&&this.columns.
dataset[o]===r)}},Ne=class extends Me{list;constructor(e){let n=[];super({n:0,...rr()},e??{read:async r=>n[r],now:r=>n[r]}),this.list=n}add(e){return e.map(n=>{
let r=n.judgment??{},o={...n,dataset:this.number("dataset",n.dataset),model:this.number("model",n.model),category_id:this.number("category_id",n.category_id),error_title:this.
number("error_title",r.error_title),slice:n.slices.map(i=>this.number("slice",i)),failed:n.failed===null?-1:Number(n.failed),outcome:r.outcome,judged_by:r.judged_by},
a={...n,error_summary:r.error_summary||null,details:nr(n)};for(let i of tr)o[i]=typeof a[i]=="string"?this.list.push(a[i])-1:-1;for(let[i,l]of Object.entries(this.
columns))l.push(o[i]??null);return this.n-1})}number(e,n){if(!n)return-1;let r=this.names[e],o=r.indexOf(n);return o>=0?o:r.push(n)-1}};function nr(t){let{criteria:e,
reason:n}=t.judgment??{},r=Object.entries({metadata:t.metadata,criteria:e,reason:n}).filter(([,o])=>o&&(typeof o!="object"||Object.keys(o).length));return r.length?
JSON.stringify(Object.fromEntries(r)):null}function rr(){return{names:{dataset:[],model:[],category_id:[],error_title:[],slice:[]},columns:{dataset:[],model:[],
category_id:[],error_title:[],slice:[],example_id:[],failed:[],score:[],epochs:[],outcome:[],judged_by:[],label:[],x:[],y:[],x_3d:[],y_3d:[],z_3d:[],prompt:[],full_prompt:[],
response:[],reference:[],error_summary:[],details:[]}}}var ze={"judgment right":t=>t?.right===!0,"judgment wrong":t=>t?.right===!1,"not labelled":(t,e)=>!t&&!!e};function $(){let[t,e]=location.hash.replace(/^#\/?/,"").split("?");return{view:t||(document.documentElement.dataset.views?.split(" ")[0]??"overview"),parameters:Object.
fromEntries(new URLSearchParams(e??""))}}function L(t,e={}){let{dataset:n,model:r}=V();return U(t,{dataset:n,model:r,...e})}function U(t,e){let n=new URLSearchParams;
for(let[o,a]of Object.entries(e))a!=null&&a!==""&&n.set(o,String(a));let r=n.toString();return`#/${t}${r?`?${r}`:""}`}function V(){let{dataset:t="",model:e=""}=$().
parameters;return{dataset:t,model:e}}function j(t){let{dataset:e,model:n}=V();return(!e||t.dataset===e)&&(!n||!("model"in t)||t.model===n)}function P(t){let{view:e,
parameters:n}=$();history.replaceState(null,"",U(e,{...n,...t}))}function Rt(t){let{view:e,parameters:n}=$();location.hash=U(e,{...n,...t})}function ue(t){return U(
"slice",{dataset:t.dataset,model:t.model,id:t.slice_id})}function Z(t,e){return U("example",{dataset:t,id:e})}function ee(t){return L("category",{id:t})}function Oe(t){
return U("pair",{dataset:t.dataset,a:t.model_a,b:t.model_b})}function je(t){return U("gap",{day:t.day,id:t.gap_id})}function Ie(t){return(m.taxonomy?.categories??[]).find(e=>e.category_id===t)}function Ue(t){let e=[];for(let n=Ie(t);n;n=n.parent_id?Ie(n.parent_id):void 0)e.unshift(
n);return e}function Xt(t,e){return t===e||t.startsWith(`${e}/`)}function Pe(){let t=m.taxonomy;if(!t)return null;let e=new Map;for(let c of t.counts)j(c)&&e.set(
c.category_id,(e.get(c.category_id)??0)+c.errors);let{dataset:n,model:r}=V(),o=n||r?0:t.unclassified,i=t.categories.filter(c=>c.depth===1).reduce((c,d)=>c+(e.get(
d.category_id)??0),o),l=t.categories.map(c=>({...c,errors:e.get(c.category_id)??0,share:i?(e.get(c.category_id)??0)/i:0})).filter(c=>c.errors>0);return{rows:$t(
l),total:i,unclassified:o}}function $t(t){let e=n=>t.filter(r=>r.parent_id===n).sort((r,o)=>Number(r.other)-Number(o.other)||o.errors-r.errors||_e(r.category_id,
o.category_id)).flatMap(r=>[r,...e(r.category_id)]);return e(null)}var sr={failed:1,passed:0,"no score":-1},or={example_id:({columns:t},e)=>t.example_id[e],model:(t,e)=>t.name("model",e),dataset:(t,e)=>t.name("dataset",e),verdict:({
columns:t},e)=>t.failed[e]<0?null:t.failed[e],score:({columns:t},e)=>t.score[e],error:(t,e)=>t.name("error_title",e)||null,label:({columns:t},e)=>t.label[e]?Number(
t.label[e].right):null},Xe=class{keepsLabels=!1;searchMilliseconds=0;parts=new Map;loaded=null;findings(){return this.part("findings")}async map(){return(await this.
rows()).examples}async find(e,n){let{examples:r,texts:o}=await this.rows(),a=e.q?await o.inLowerCase():[];return new Ke(r,o,lr(r,e,ar(r,e,a)),n)}async disagreements({
dataset:e,a:n,b:r,right:o},a){let{examples:i,texts:l}=await this.rows(),{columns:c}=i,d=new Map(i.of(e,r).map(h=>[c.example_id[h],h])),f=[];for(let h of i.of(e,
n)){let w=d.get(c.example_id[h]);w===void 0||!cr(i,h,w)||c.failed[h]+c.failed[w]===1&&(!o||c.failed[o===n?h:w]===0)&&f.push({a:h,b:w})}return new Ke(i,l,f,a)}keepLabel(){
return Promise.reject(new Error("A file keeps no labels: open it with faultmap view."))}rows(){return this.loaded??=this.part("rows").then(e=>{let n=new Et(e.text_starts,
r=>this.part(`texts-${r}`));return{examples:new Me(e,n),texts:n}}),this.loaded.catch(()=>this.loaded=null),this.loaded}part(e){let n=this.parts.get(e);return n||
(n=dr(e),this.parts.set(e,n),n.catch(()=>this.parts.delete(e))),n}},Et=class{constructor(e,n){this.starts=e;this.chunk=n}starts;chunk;every=null;lower=null;async read(e){
let n=0;for(;this.starts[n+1]<=e;)n++;return(await this.chunk(n))[e-this.starts[n]]}now(e){return this.every?.[e]??null}async readAll(){return this.every??=(await Promise.
all(this.starts.slice(1).map((e,n)=>this.chunk(n)))).flat(),this.every}async inLowerCase(){return this.lower??=(await this.readAll()).map(e=>e.toLowerCase()),this.
lower}},Ke=class{constructor(e,n,r,o){this.examples=e;this.texts=n;this.entries=r;this.total=r.length,this.shown=r.slice(0,o),this.asked=this.shown.length}examples;texts;entries;shown;total;asked;get left(){
return this.total-this.asked}async more(e){let n=this.entries.slice(this.asked,this.asked+e);return this.asked+=n.length,n}async all(){return await this.texts.readAll(),
this.entries}};function ar(t,e,n){let{columns:r,names:o}=t,{dataset:a,model:i,slice:l,kind:c,ids:d}=e,[f,h,w]=[o.dataset.indexOf(a??""),o.model.indexOf(i??""),o.
slice.indexOf(l??"")],S=e.verdict?sr[e.verdict]:null,p=c?o.category_id.map(g=>Xt(g,c)):null,x=d?new Set(d):null,C=e.label?ze[e.label]:null,z=ir(t,e.q??"",n);return t.
where(g=>a&&r.dataset[g]!==f||i&&r.model[g]!==h||l&&!r.slice[g].includes(w)||S!==null&&r.failed[g]!==S||p&&!p[r.category_id[g]]||x&&!x.has(r.example_id[g])||C&&
!C(r.label[g],r.outcome[g])?!1:z(g))}function ir(t,e,n){let{columns:r}=t,o=e.toLowerCase().split(/\s+/).filter(Boolean),a=o.map(()=>new Map),i=(l,c)=>{if(c<0)return!1;
let d=a[l].get(c);return d===void 0&&a[l].set(c,d=n[c].includes(o[l])),d};return l=>o.every((c,d)=>i(d,r.prompt[l])||i(d,r.response[l])||i(d,r.reference[l])||r.
example_id[l].toLowerCase().includes(c)||t.name("error_title",l).toLowerCase().includes(c))}function lr(t,{sort:e="",first:n=[]},r){let o=or[e.replace(/^-/,"")],
a=e.startsWith("-")?-1:1,i=new Map(n.map((d,f)=>[d,f])),l=d=>i.get(t.columns.example_id[d])??n.length,c=(d,f)=>{let[h,w]=o?[o(t,d),o(t,f)]:[null,null],S=_e(h,w);
return(h===null||w===null?S:a*S)||l(d)-l(f)};return o||n.length?[...r].sort(c):r}function cr({columns:t},e,n){return t.x[e]===t.x[n]&&t.y[e]===t.y[n]}async function dr(t){
let e=document.querySelector(`script[data-part="${CSS.escape(t)}"]`);if(!e)throw new Error(`this file has no part ${t}`);return JSON.parse(await ur(e.textContent??
""))}async function ur(t){let e=atob(t),n=new Uint8Array(e.length);for(let r=0;r<e.length;r++)n[r]=e.charCodeAt(r);return new Response(new Blob([n]).stream().pipeThrough(
new DecompressionStream("deflate"))).text()}var Kt=2e4,Gt=500,Jt=50,mr=150,Ge=class{constructor(e){this.token=e}token;keepsLabels=!0;searchMilliseconds=250;points=null;findings(){return Qe("parts/findings")}map(){
return this.points??=Qe("parts/points").then(({columns:e})=>pr(e)),this.points.catch(()=>this.points=null),this.points}async find({ids:e,first:n,...r},o,a){let i=new Je(
"examples",{...r,id:e?.slice(0,Jt),first:n?.slice(0,Jt)},l=>l);return await i.start(o,a),i}async disagreements(e,n){let r=a=>a.filter((i,l)=>l%2===0).map(i=>({a:i,
b:i+1})),o=new Je("disagreements",{...e},r);return await o.start(n),o}async keepLabel(e){let n={"content-type":"application/json","x-faultmap-token":this.token};
return(await Qt("labels",{method:"POST",headers:n,body:JSON.stringify(e)})).label}},Je=class{constructor(e,n,r){this.path=e;this.question=n;this.entriesOf=r}path;question;entriesOf;examples=new Ne;shown=[];total=0;entries=[];asked=0;get left(){
return this.total-this.asked}async start(e,n){this.shown=await this.more(e,n)}async more(e,n){for(;this.entries.length<this.asked+e&&await this.read(this.asked+
e-this.entries.length,n););let r=this.entries.slice(this.asked,this.asked+e);return this.asked+=r.length,r}async all(){for(;this.entries.length<Math.min(this.total,
Kt)&&await this.read(Gt););return this.entries.slice(0,Kt)}async read(e,n){let r={...this.question,offset:this.entries.length,limit:Math.min(e,Gt)},o=await Qe(this.
path,r,n);this.total=o.total;let a=this.entriesOf(this.examples.add(o.rows));return this.entries.push(...a),a.length>0}};function pr(t){let e=-1,n=async i=>{if(e=
i,await new Promise(d=>setTimeout(d,mr)),e!==i)return null;let l={dataset:t.dataset[i],model:t.model[i],id:[t.example_id[i]],limit:1};return(await Qe("examples",
l)).rows[0]?.prompt??null},r=new Ne({read:n,now:()=>null}),o=["example_id","dataset","model","failed","slices",...Ut];return r.add(t.example_id.map((i,l)=>Object.
fromEntries(o.map(c=>[c,t[c][l]])))).forEach(i=>r.columns.prompt[i]=i),r}function Qe(t,e={},n){let r=new URLSearchParams;for(let[o,a]of Object.entries(e))for(let i of Array.
isArray(a)?a:[a])i!==void 0&&i!==""&&r.append(o,String(i));return Qt(`${t}${r.size?`?${r}`:""}`,{signal:n})}async function Qt(t,e){let n;try{n=await fetch(t,e)}catch(o){
throw e.signal?.aborted?o:new Error("The server does not answer: is faultmap view still running?")}let r=await n.json().catch(()=>null);if(!n.ok||r===null)throw new Error(
r?.error??`The server answered ${n.status}.`);return r}var{token:Yt}=document.documentElement.dataset,T=Yt?new Ge(Yt):new Xe;new URLSearchParams(location.search).has("token")&&history.replaceState(null,"",location.pathname+
location.hash);var Ae=[["overview","Overview"],["slices","Slices"],["taxonomy","Errors"],["signatures","Signatures"],["comparison","Comparison"],["coverage","Coverage"],["qual\
ity","Data quality"],["examples","Examples"],["trends","Trends"],["run","Run"]],Zt={slice:"slices",category:"taxonomy",pair:"comparison",pairslice:"comparison",
gap:"coverage",production:"coverage",topic:"coverage",example:"examples"},en=document.documentElement.dataset.views?.split(" ");function Ye(){let t=document.documentElement,e=t.dataset.theme?t.dataset.theme==="dark":matchMedia("(prefers-color-scheme: dark)").matches;t.dataset.theme=e?"li\
ght":"dark";try{localStorage.setItem("faultmap-theme",t.dataset.theme)}catch{}dispatchEvent(new Event("themechange"))}function tn(){try{let t=localStorage.getItem(
"faultmap-theme");(t==="light"||t==="dark")&&(document.documentElement.dataset.theme=t)}catch{}matchMedia("(prefers-color-scheme: dark)").addEventListener("chan\
ge",()=>dispatchEvent(new Event("themechange")))}var fr="http://www.w3.org/2000/svg";function s(t,e,...n){let r=document.createElement(t);return nn(r,e),r.append(...Ze(n)),r}function A(t,e,...n){let r=document.
createElementNS(fr,t);return nn(r,e),r.append(...Ze(n)),r}function nn(t,e){for(let[n,r]of Object.entries(e??{}))if(!(r==null||r===!1)){if(typeof r=="function"){
t.addEventListener(n,r);continue}if(n==="href"&&!String(r).startsWith("#"))throw new Error(`not a place in this page: ${r}`);t.setAttribute(n,r===!0?"":String(r))}}
function Ze(t){return t.flat().filter(e=>e!=null&&e!==!1).map(e=>e instanceof Node?e:String(e))}var hr=[["↑ ↓","walk through rows"],["Enter","open the row"],["Backspace","go back"],["/","search"],["1 – 9","go to a view"],["t","light or dark"],["?","t\
his help"]];function rn(t){let e=t.target,n=e.matches("input, select, textarea");if(!(t.ctrlKey||t.metaKey||t.altKey)){if(n){t.key==="Escape"&&e.blur(),t.key===
"ArrowDown"&&e.matches("input[type=search]")&&St(t,1);return}document.querySelector("dialog[open]")||(t.key==="ArrowDown"?St(t,1):t.key==="ArrowUp"?St(t,-1):t.key===
"Backspace"?history.back():t.key==="/"?gr(t):t.key==="?"?Lt():t.key==="t"?Ye():/^[1-9]$/.test(t.key)&&yr(Number(t.key)-1))}}function St(t,e){let n=[...document.
querySelectorAll("main a.row-link")];if(!n.length)return;let r=n.indexOf(document.activeElement),o=n[Math.min(n.length-1,Math.max(0,r<0?e>0?0:n.length-1:r+e))];
t.preventDefault(),o.focus(),o.scrollIntoView({block:"nearest"})}function gr(t){t.preventDefault();let e=document.querySelector("main input[type=search]");if(e){
e.focus(),e.select();return}Ct=!0,location.hash=L("examples")}var Ct=!1;function sn(){let t=Ct;return Ct=!1,t}function yr(t){let e=Ae[t];e&&(location.hash=L(e[0]))}
function Lt(){let t=()=>e.close(),e=s("dialog",{"aria-labelledby":"help-title",close:()=>e.remove()},s("h2",{id:"help-title"},"Keys"),s("dl",{class:"keys"},hr.map(
([n,r])=>s("div",null,s("dt",null,s("kbd",null,n)),s("dd",null,r)))),s("p",{class:"note"},"Every view, row and filter has its own address: copy it from the addr\
ess bar."),s("button",{type:"button",click:t},"Close"));document.body.append(e),e.showModal()}function ae(t){return t===1?"failed":t===0?"passed":"unscored"}function re(t){return s("span",{class:`verdict ${ae(t)}`},xe(t))}function y(t,...e){return s("div",
null,s("dt",null,t),s("dd",null,...e))}function E(t,...e){let n=e.flat().find(o=>o instanceof HTMLElement&&o.classList.contains("crumbs")),r=e.flat().filter(o=>o!==
n);return s("div",{class:"page","data-title":t},n,s("h1",{tabindex:-1},t),...r)}function v(t,...e){return s("section",null,s("h2",null,t),...e)}function X(t){return s(
"nav",{class:"crumbs","aria-label":"Where this is"},t.map(([e,n])=>[s("a",{href:n},e)," › "]).flat())}function W(t,e){return E("Not here",s("p",null,`This rep\
ort has no such ${t}. `,s("a",{href:L(e)},"See all"),"."))}function ge(t,e,n,r){if(e.length<2)return null;let o=e.map(i=>s("button",{type:"button","aria-pressed":String(
i===n),click:()=>a(i)},i||"all"));function a(i){o.forEach((l,c)=>l.setAttribute("aria-pressed",String(e[c]===i))),r(i)}return s("div",{class:"segmented",role:"g\
roup","aria-label":t},s("span",{class:"field"},t),o)}function et(t,e,n){let r=s("input",{type:"checkbox",checked:e,change:()=>n(r.checked)});return s("label",{class:"\
field"},r,t)}function ke(t,e){let n=s("details",{toggle:r},s("summary",null,t));function r(){n.open&&n.childNodes.length===1&&n.append(e())}return n}function ye(t,e){
return t<=0?[]:[s("button",{type:"button",class:"quiet",click:e},`Show more (${u(t)} left)`)]}function Tt(){return s("div",{class:"waiting faint"},"Reading …")}
function me(t,e){return s("p",{class:"trouble",role:"alert"},`${t.message} `,s("button",{type:"button",class:"quiet",click:e},"Try again"))}function ie(t){return Mt(
"How this was tested",`${t.basis}.`)}function Mt(t,e){return s("details",{class:"basis"},s("summary",null,t),s("p",{class:"note"},e))}function pe(t){return t.split(
/(?<=[-_/.:])/).flatMap((e,n)=>n?[s("wbr"),e]:[e])}var br=/^[=+\-@\t\r\n]/;function on(t){if(t==null)return"";if(typeof t=="number"||typeof t=="boolean")return String(t);let e=typeof t=="string"?t:JSON.stringify(
t),n=br.test(e)?`'${e}`:e;return/[",\n\r]/.test(n)?`"${n.replaceAll('"','""')}"`:n}function an(t,e){let n=e.map(r=>t.map(o=>on(o.value(r))).join(","));return[t.
map(r=>on(r.key)).join(","),...n,""].join(`\r
`)}function vr(t,e){let n=e.map(r=>Object.fromEntries(t.map(o=>[o.key,o.value(r)??null])));return`${JSON.stringify(n,null,1)}
`}function wr(t,e){return e.map(n=>JSON.stringify(Object.fromEntries(t.map(r=>[r.key,r.value(n)??null])))).join(`
`)}function Nt(t,e,n){let r=URL.createObjectURL(new Blob([n],{type:e})),o=document.createElement("a");o.href=r,o.download=t,o.click(),setTimeout(()=>URL.revokeObjectURL(
r),1e3)}async function _r(t){try{return await navigator.clipboard.writeText(t),!0}catch{let e=s("textarea",{class:"off-screen","aria-hidden":"true"});e.value=t,
document.body.append(e),e.select();let n=document.execCommand("copy");return e.remove(),n}}function se(t,e,n,{lines:r=!1}={}){let o=s("button",{type:"button",class:"\
quiet",click:a},"Copy");async function a(){let d=await _r(an(e,await n()));o.textContent=d?"Copied":"Not allowed",setTimeout(()=>o.textContent="Copy",1500)}let i=async()=>Nt(
`${t}.csv`,"text/csv",an(e,await n())),l=async()=>Nt(`${t}.json`,"application/json",vr(e,await n())),c=async()=>Nt(`${t}.jsonl`,"application/jsonl",`${wr(e,await n())}\

`);return s("div",{class:"exports",role:"group","aria-label":"Take along what is shown"},o,s("button",{type:"button",class:"quiet",click:i},"CSV"),s("button",{type:"\
button",class:"quiet",click:l},"JSON"),r&&s("button",{type:"button",class:"quiet",click:c},"JSONL"))}var Fe=50;function M(t){if(!t.rows.length)return s("p",{class:"empty"},t.empty??"Nothing to show.");let e=xr(t),n=s("tbody"),r=s("thead"),o=s("div",{class:"more"}),
a=s("span",{class:"tally",role:"status"}),i=[],l=new Map;function c(p){for(let x of t.filters??[]){let C=e.filters[x.key];if(C&&!x.matches(p,C))return!1}return!e.
query||!t.text?!0:(l.has(p)||l.set(p,t.text(p).toLowerCase()),e.query.toLowerCase().split(/\s+/).every(x=>l.get(p).includes(x)))}function d(p=Fe){i=kr(t.rows.filter(
c),t.columns,e.sort),f(),n.replaceChildren(...i.slice(0,p).map(C=>nt(t,C))),a.textContent=i.length===t.rows.length?u(i.length):`${u(i.length)} of ${u(t.rows.length)}`,
a.textContent+=` ${t.rows.length===1?t.unit??"row":`${t.unit??"row"}s`}`;let x=i.length-p;o.replaceChildren(...ye(x,()=>d(p+4*Fe)))}function f(){r.replaceChildren(
s("tr",null,...tt(t.columns).map(p=>Ot(p,e,h))))}function h(p){let x=`-${p.key}`;e.sort=e.sort===x?p.key:e.sort===p.key||p.number?x:p.key,t.plain||P({sort:e.sort===
t.sort?null:e.sort}),d(),r.querySelector(`button[data-key="${CSS.escape(p.key)}"]`)?.focus()}let w=t.plain?null:s("div",{class:"tools"},t.text&&Rr(t,e,d),...(t.
filters??[]).map(p=>$r(p,e,d)),a,se(t.name.replaceAll(" ","-"),t.columns,()=>i));d();let S=s("table",{class:"data"},s("caption",{class:"off-screen"},t.name),r,n);
return s("div",{class:"table-block"},w,S,o)}function xr(t){let{parameters:e}=$(),n={};for(let o of t.filters??[])n[o.key]=e[o.key]??"";let r=!t.plain&&e.sort||t.
sort||"";return{query:t.plain?"":e.q??"",sort:r,filters:n}}function kr(t,e,n){let r=n.startsWith("-"),o=e.find(i=>i.key===n.replace(/^-/,""));if(!o)return t;let a=t.
map(i=>({row:i,value:o.value(i)}));return a.sort((i,l)=>+(i.value===null||i.value===void 0)-+(l.value===null||l.value===void 0)||(r?-1:1)*_e(i.value,l.value)),a.
map(i=>i.row)}function tt(t){return t.filter(e=>!e.hidden)}function Ot(t,e,n){let r=e.sort===t.key?"ascending":e.sort===`-${t.key}`?"descending":null;return s("\
th",{scope:"col",class:ln(t),"aria-sort":r},t.title?s("button",{type:"button",class:"sort","data-key":t.key,click:()=>n(t)},t.title):null)}function nt(t,e){let{
hover:n,href:r}=t,o=n?{mouseenter:()=>n(e),mouseleave:()=>n(null),focusin:()=>n(e),focusout:()=>n(null)}:null,a=tt(t.columns).map(i=>{let l=i.render?i.render(e):
i.value(e),c=i.first&&r?s("a",{class:"row-link",href:r(e)},l):s("div",null,l),d=[ln(i),l===""||l===null?"blank":null].filter(Boolean).join(" ");return s(i.first?
"th":"td",{class:d||null,"data-label":i.title,scope:i.first?"row":null},c)});return s("tr",o,a)}function ln(t){let e=[t.number&&"number",t.first&&"first",t.minor&&
"minor"].filter(Boolean);return e.length?e.join(" "):null}function Rr(t,e,n){let r=s("input",{type:"search",placeholder:"Search","aria-label":`Search ${t.name}`,
value:e.query,input:o});function o(){e.query=r.value.trim(),P({q:e.query}),n()}return r}function $r(t,e,n){return t.options.length<2?null:le(t.label,t.options,e.
filters[t.key],r=>{e.filters[t.key]=r,P({[t.key]:r}),n()},{say:N})}function le(t,e,n,r,{all:o=!0,say:a=i=>i}={}){let i=s("select",{"aria-label":t,change:()=>r(i.
value)},o&&s("option",{value:""},`All ${t}`),e.map(l=>s("option",{value:l,selected:l===n},a(l))));return i}function Q(t,e,{step:n=10,empty:r="None."}={}){let o=s(
"div",{class:"list"}),a=s("div",{class:"more"}),i=0;function l(){o.append(...t.slice(i,i+n).map(e)),i+=n;let c=t.length-i;a.replaceChildren(...ye(c,l))}return t.
length?l():o.append(s("p",{class:"empty"},r)),s("div",null,o,a)}function rt({rate:t,low:e,high:n,mark:r,wide:o=!1}){if(t===null)return null;let a=i=>100*Math.min(1,Math.max(0,i));return A("svg",{class:o?"rate wide":"rate",viewBox:"\
0 0 100 10",preserveAspectRatio:"none","aria-hidden":"true"},A("rect",{class:"track",x:0,y:2,width:100,height:6}),A("rect",{class:"share",x:0,y:2,width:a(t),height:6}),
e!=null&&n!==void 0&&n!==null?A("path",{class:"interval",d:`M${a(e)} 5H${a(n)}M${a(e)} 2.5V7.5M${a(n)} 2.5V7.5`}):null,r!=null?A("path",{class:"mark",d:`M${a(r)}\
 0V10`}):null)}function K(t){let e=Le(t.low,t.high);return s("span",{class:"rate-cell"},s("span",{class:"rate-number"},_(t.rate),e&&s("small",null,` ${e}`)),rt(
t))}function be(t,e){let n=(r,o)=>[s("span",{class:"two-label"},r.label),s("span",{class:`two-bar ${o}`},rt({rate:r.rate,wide:!0})),s("span",{class:"two-number"},
s("strong",null,_(r.rate)),s("small",null,` ${r.note}`))];return s("div",{class:"two-rates"},...n(t,"strong"),...n(e,"weak"))}function cn({difference:t,low:e,high:n,
left:r,right:o}){let a=Math.max(.1,Math.abs(t),Math.abs(e??0),Math.abs(n??0))*1.1,i=l=>50+50*l/a;return s("div",{class:"difference"},s("span",{class:"left"},`← ${r}`),
A("svg",{viewBox:"0 0 100 10",preserveAspectRatio:"none","aria-hidden":"true"},A("path",{class:"axis",d:"M0 5H100"}),A("path",{class:"zero",d:"M50 0V10"}),e!==null&&
n!==null?A("rect",{class:"range",x:i(e),y:3.5,width:Math.max(.5,i(n)-i(e)),height:3}):null,A("path",{class:"mark",d:`M${i(t)} 1V9`})),s("span",{class:"right"},`${o}\
 →`))}function st(t,e){let[n,r,o,a]=[640,194,58,34],i=p=>o+8+(t.length<2?(n-o)/2:(n-o-56)*p/(t.length-1)),l=p=>10+(r-a-10)*(1-p),c=t.map((p,x)=>({...p,index:x})).
filter(p=>p.value!==null),d=c.filter(p=>p.low!==void 0&&p.low!==null),f=d.map(p=>`${i(p.index)} ${l(p.high??0)}`),h=d.map(p=>`${i(p.index)} ${l(p.low??0)}`).reverse(),
w=Math.ceil(t.length/7),S=t.map(p=>`${p.label} ${_(p.value)}`).join(", ");return A("svg",{class:"line",viewBox:`0 0 ${n} ${r}`,role:"img","aria-label":`${e}: ${S}`},
[0,.5,1].map(p=>[A("path",{class:"grid",d:`M${o} ${l(p)}H${n}`}),A("text",{x:o-6,y:l(p)+4,"text-anchor":"end"},_(p))]).flat(),t.map((p,x)=>({one:p,index:x})).filter(
({index:p})=>p%w===0).map(({one:p,index:x})=>A("text",{x:i(x),y:r-6,"text-anchor":"middle"},p.label)),d.length>1?A("path",{class:"band",d:`M${[...f,...h].join("\
L")}Z`}):null,A("path",{class:"stroke",d:c.length?`M${c.map(p=>`${i(p.index)} ${l(p.value??0)}`).join("L")}`:""}),c.map(p=>A("circle",{cx:i(p.index),cy:l(p.value??
0),r:3},A("title",null,`${p.label}: ${_(p.value)}`))))}var Er=16;async function dn(){let{dataset:t,model:e}=V(),n=m.comparisons.filter(a=>(!t||a.dataset===t)&&(!e||a.model_a===e||a.model_b===e)),r=(m.memo?.rankings??
[]).filter(a=>j({dataset:a.dataset})&&a.models.length>2&&a.models.length<=Er),o=Lr(n);return E("Comparison",s("p",{class:"lead"},"Pairs of models that answered \
the same prompts. A winner is named only where the difference is more than chance."),r.map(Sr),r.length&&!e?ke(`All ${k(n.length,"pair")}`,()=>o):o)}function Sr(t){
let e=t.models,n=r=>e.indexOf(r)+1;return s("section",null,s("h2",null,t.dataset),t.told&&s("p",null,t.told),s("table",{class:"matrix"},s("caption",{class:"off-\
screen"},`who beats whom on ${t.dataset}`),s("thead",null,s("tr",null,s("th",{scope:"col"},"model"),s("th",{scope:"col"},"failed"),e.map(r=>s("th",{scope:"col"},
s("span",{class:"off-screen"},`against ${r.model}`),s("span",{"aria-hidden":"true"},n(r)))))),s("tbody",null,e.map(r=>s("tr",null,s("th",{scope:"row"},`${n(r)} `,
pe(r.model)),s("td",null,_(r.failure_rate)),e.map(o=>Cr(t.dataset,r,o)))))),s("p",{class:"note"},"Each row against the model of the column's number: + is better\
, − is worse, = cannot be told apart, ? no common example. Each mark leads to the pair."))}function Cr(t,e,n){if(e===n)return s("td",{class:"self"});let[r,o,a]=e.
beats.includes(n.model)?["+","better","is better than"]:e.loses_to.includes(n.model)?["−","worse","is worse than"]:e.open.includes(n.model)?["=","open","canno\
t be told apart from"]:["?","open","was not compared with"],i=m.comparisons.find(c=>c.dataset===t&&[c.model_a,c.model_b].includes(e.model)&&[c.model_a,c.model_b].
includes(n.model)),l=`${e.model} ${a} ${n.model}`;return s("td",{class:o},i?s("a",{href:Oe(i),"aria-label":l,title:l},r):s("span",{title:l},r))}function Lr(t){return M(
{name:"comparisons",unit:"pair",rows:t,href:Oe,text:e=>`${e.dataset} ${e.model_a} ${e.model_b} ${e.winner}`,empty:"No two models answered the same prompts.",columns:[
{key:"pair",title:"models",first:!0,value:e=>`${e.model_a} or ${e.model_b}`,render:e=>[pe(e.model_a)," or ",pe(e.model_b)].flat()},{key:"dataset",title:"dataset",
value:e=>e.dataset,minor:B().length<2},{key:"compared",title:"pairs",number:!0,value:e=>e.compared,render:e=>u(e.compared)},{key:"failure_rate_a",title:"first",
value:e=>e.compared?e.claim.inside:null,render:e=>qe(e,"inside")},{key:"failure_rate_b",title:"second",value:e=>e.compared?e.claim.outside:null,render:e=>qe(e,"\
outside")},{key:"winner",title:"winner",value:e=>e.winner,render:e=>pe(jt(e))},{key:"slices",title:"differs in",number:!0,value:e=>e.slices.length},{key:"adjust\
ed_p_value",title:"adj. p",number:!0,value:e=>e.compared?e.adjusted_p_value:null,render:e=>e.compared?F(e.adjusted_p_value):"–"}]})}function qe(t,e){return t.
compared&&t.claim[e]!==null?K({rate:t.claim[e]}):"–"}function jt(t){return t.compared===0?"not compared":t.winner==="tie"?"about equal":t.winner==="unresolved"?
"not shown":t.winner}var Tr=700,Mr=14;function O(t,e={}){if(t===null||t==="")return s("div",{class:"text empty"},t===null?"none":"empty");let n=s("div",{class:"text"},e.pieces??t),r=s(
"div",{class:"text-block"},n),o=s("div",{class:"text-tools"});(t.length>Tr||t.split(`
`).length>Mr)&&(n.classList.add("folded"),o.append(Nr(n,t)));let a=e.pieces?null:jr(t);return a&&o.append(Or(n,t,a)),o.childNodes.length&&r.append(o),r}function Nr(t,e){
let n=`Show all ${u(e.length)} characters`,r=s("button",{type:"button",class:"quiet","aria-expanded":"false",click:o},n);function o(){let a=t.classList.toggle("\
folded");r.setAttribute("aria-expanded",String(!a)),r.textContent=a?n:"Show less"}return r}function Or(t,e,n){let r=s("button",{type:"button",class:"quiet","ari\
a-pressed":"false",click:o},"Formatted");function o(){let a=t.classList.toggle("formatted");r.setAttribute("aria-pressed",String(a)),t.replaceChildren(...a?n():
[e])}return r}function jr(t){let e=t.trim();if(/^[[{]/.test(e)&&e.length>2)try{let n=JSON.parse(e);return()=>[s("pre",null,JSON.stringify(n,null,2))]}catch{}return/^#{1,6} |^```|^\s*[-*] |^\d+\. |\*\*[^*\n]+\*\*|^\|.+\|/m.
test(t)?()=>Pr(t):null}function Pr(t){let e=[];return t.split(/^```[^\n]*$/m).forEach((r,o)=>{o%2?e.push(s("pre",null,r.replace(/^\n|\n$/g,""))):e.push(...r.split(
/\n{2,}/).flatMap(a=>Ar(a)))}),e}function Ar(t){let e=t.split(`
`).filter(o=>o.trim()),n=[],r=null;for(let o of e){let a=/^#{1,6} (.*)$/.exec(o),i=/^\s*(?:[-*]|\d+[.)]) (.*)$/.exec(o);if(i){r||n.push(r=s(/^\s*\d/.test(o)?"ol":
"ul")),r.append(s("li",null,Pt(i[1])));continue}r=null,n.push(a?s("p",null,s("strong",null,Pt(a[1]))):s("p",null,Pt(o)))}return n}function Pt(t){return t.split(
/(`[^`]+`|\*\*[^*]+\*\*)/).map(e=>e.length>2&&e.startsWith("`")&&e.endsWith("`")?s("code",null,e.slice(1,-1)):e.length>4&&e.startsWith("**")&&e.endsWith("**")?s(
"strong",null,e.slice(2,-2)):e)}function D(t,e,n){let r=s("div",{class:"waiting"});return t.text(e).then(o=>r.replaceWith(n(o)),o=>r.replaceChildren(`could not \
be read: ${o.message}`)),r}function ot(t){return t.reduce((e,n)=>n.slices.length>e.slices.length?n:e,t[0])}function at(t){return t.claim.statistic==="score"?`score ${t.claim.inside_text}`:
K({rate:t.failure_rate,mark:t.baseline_rate})}function it(t){return s("div",{class:"panel"},t.claim.statistic!=="score"&&be({label:"in the slice",rate:t.failure_rate,
note:`failed of ${u(t.size)}`},{label:"the rest",rate:t.baseline_rate,note:`failed of ${u(t.claim.n_other)}`}),s("p",{class:"note"},t.claim.told),ie(t.claim))}function fe(t){
return m.scope.texts?!t.root_cause&&!t.suggested_remediation?t.named_by==="keywords"||t.named_by==="metadata"?s("p",{class:"note"},`Named by ${t.named_by}. With\
 a language model configured, a root cause and a remedy stand here.`):null:s("dl",{class:"facts why"},t.root_cause&&y("root cause",t.root_cause),t.suggested_remediation&&
y("remedy",t.suggested_remediation),t.cited_examples.length>0&&y("rests on",t.cited_examples.map((e,n)=>[n?", ":null,t.dataset?s("a",{href:Z(t.dataset,e)},e):e]).
flat())):null}function lt(t){return v("How it was found",s("dl",{class:"facts compact"},y("distinct prompts",u(t.prompts)),y("failures",`${u(t.failures)} of ${u(
t.size)}`),y("test",`${t.test_used}, p ${F(t.p_value)}, adjusted ${F(t.adjusted_p_value)}`),y("times as often as the rest",q(t.effect_size)),y("named by",t.named_by,
t.naming_note&&` (${t.naming_note})`),y("id",s("code",null,t.slice_id))))}function un(){return[...m.production_slices].reverse().flatMap(t=>t.slices)}function mn(){return[...m.topic_drift].reverse().flatMap(t=>t.topics)}function pn(){
let t=m.production_slices.at(-1);if(!t)return null;let e=un(),n=t.with_feedback?`In the ${k(t.days,"day")} up to ${t.day}, ${_(t.failure_rate)} of ${k(t.with_feedback,
"answer")} with feedback were bad.`:t.note||"The logs have no feedback that the settings know.";return v("Where users were unhappy",s("p",{class:"note"},n),e.length>
0&&M({name:"slices of production",plain:!0,rows:e,href:r=>U("production",{day:r.day,id:r.slice_id}),columns:[{key:"name",title:"slice",first:!0,value:r=>r.name},
{key:"day",title:"days up to",value:r=>r.day},{key:"failure_rate",title:"here",value:r=>r.failure_rate,render:at},{key:"baseline_rate",title:"elsewhere",number:!0,
value:r=>r.baseline_rate,render:r=>r.claim.outside_text},{key:"size",title:"answers",number:!0,value:r=>r.size,render:r=>u(r.size)},{key:"adjusted_p_value",title:"\
adj. p",number:!0,value:r=>r.adjusted_p_value,render:r=>F(r.adjusted_p_value)}]}))}function fn(){let t=mn();return t.length?v("Topics that changed",s("p",{class:"\
note"},"The share of a topic in the days up to the one named, against the days before them."),M({name:"topics that changed",plain:!0,rows:t,href:e=>U("topic",{day:e.
day,id:e.topic_id}),columns:[{key:"name",title:"topic",first:!0,value:e=>e.name},{key:"kind",title:"change",value:e=>e.kind,render:e=>N(e.kind)},{key:"day",title:"\
days up to",value:e=>e.day},{key:"previous_share",title:"before",number:!0,value:e=>e.previous_share,render:e=>_(e.previous_share)},{key:"current_share",title:"\
now",value:e=>e.current_share,render:e=>K({rate:e.current_share,low:e.current_share_low,high:e.current_share_high,mark:e.previous_share})},{key:"adjusted_p_valu\
e",title:"adj. p",number:!0,value:e=>e.adjusted_p_value,render:e=>F(e.adjusted_p_value)}]})):null}async function hn(){let{day:t,id:e}=$().parameters,n=un().find(
r=>r.day===t&&r.slice_id===e);return n?E(n.name,X([["What the tests never ask",L("coverage")]]),s("p",{class:"lead"},`Production up to ${n.day}`,n.description&&
`. ${n.description}`),s("div",{class:"columns"},s("div",null,it(n),fe({...n,dataset:""})),s("div")),m.scope.texts&&v("Examples",Q(n.examples,Fr,{step:6})),lt(n)):
W("slice of production","coverage")}function Fr(t){let e=t.failed===null?-1:Number(t.failed);return s("article",{class:`example ${ae(e)}`},s("header",null,s("st\
rong",null,t.example_id),re(e)),s("dl",{class:"facts"},y("prompt",O(t.prompt)),y("answer",O(t.response)),t.reference&&y("expected",O(t.reference))))}async function gn(){
let{day:t,id:e}=$().parameters,n=mn().find(r=>r.day===t&&r.topic_id===e);return n?E(n.name,X([["What the tests never ask",L("coverage")]]),s("p",{class:"lead"},
`${N(n.kind)} in the days up to ${n.day}. ${n.description}`),s("div",{class:"panel"},be({label:"now",rate:n.current_share,note:`of traffic (${Le(n.current_share_low,
n.current_share_high)}), ${k(n.current_rows,"prompt")}`},{label:"before",rate:n.previous_share,note:`(${Le(n.previous_share_low,n.previous_share_high)}), ${k(n.
previous_rows,"prompt")}`}),s("p",{class:"note"},`${n.claim.told} Named by ${n.named_by}.`),ie(n.claim)),m.scope.texts&&v("What is asked",Q(n.representative_prompts,
r=>s("div",{class:"asked"},O(r))))):W("topic","coverage")}async function yn(){if(!m.coverage.length)return E("Coverage",s("p",{class:"empty"},m.scope.datasets||m.scope.models?"Coverage is told in the report of the whol\
e warehouse.":"No production log has been audited: run ",!(m.scope.datasets||m.scope.models)&&s("code",null,"faultmap coverage LOGS")));let t=m.coverage,e=t.at(
-1);return E("What the tests never ask",s("p",{class:"lead"},`About ${_(e.coverage)} of production on ${e.day} is like something that is tested. A gap is a regi\
on of a day's prompts that demonstrably lacks tests.`),t.length>1&&v("Coverage by day",st(t.map(n=>({label:n.day.slice(5),value:n.coverage,low:n.coverage_low,high:n.
coverage_high})),"Coverage"),s("p",{class:"note"},"The estimate and the range that prompts leave open whose region is too small to tell.")),v("Gaps",qr()),pn(),
fn(),v("Days",Vr(t)))}function qr(){let t=Te();return M({name:"gaps",unit:"gap",rows:t,href:je,text:e=>[e.name,e.description,e.day,e.kind].join(" "),filters:[{key:"\
day",label:"days",options:[...new Set(t.map(e=>e.day))],matches:(e,n)=>e.day===n},{key:"kind",label:"kinds",options:[...new Set(t.map(e=>e.kind))],matches:(e,n)=>e.
kind===n}],sort:"-traffic_share",empty:"No region demonstrably lacks tests.",columns:[{key:"name",title:"what is not tested",first:!0,value:e=>e.name},{key:"day",
title:"day",value:e=>e.day,render:e=>s("span",{class:"day"},e.day)},{key:"kind",title:"kind",value:e=>e.kind},{key:"traffic_share",title:"of traffic",value:e=>e.
traffic_share,render:e=>K({rate:e.traffic_share})},{key:"size",title:"prompts",number:!0,value:e=>e.size,render:e=>u(e.size)},{key:"tests",title:"tests",number:!0,
value:e=>e.tests,render:e=>u(e.tests)},{key:"expected_tests",title:"tests expected",number:!0,value:e=>e.expected_tests,render:e=>u(Math.round(e.expected_tests))},
{key:"gap_id",title:"id",hidden:!0,value:e=>e.gap_id}]})}function Vr(t){return M({name:"days",plain:!0,rows:t,sort:"-day",columns:[{key:"day",title:"day",first:!0,
value:e=>e.day},{key:"production",title:"prompts",number:!0,value:e=>e.production,render:e=>u(e.production)},{key:"tests",title:"tests",number:!0,value:e=>e.tests,
render:e=>u(e.tests)},{key:"coverage",title:"coverage",value:e=>e.coverage,render:e=>K({rate:e.coverage,low:e.coverage_low,high:e.coverage_high})},{key:"in_gaps",
title:"in gaps",number:!0,value:e=>e.in_gaps,render:e=>_(e.in_gaps)},{key:"undetermined",title:"undetermined",number:!0,value:e=>e.undetermined,render:e=>_(e.undetermined)},
{key:"outliers",title:"outliers",number:!0,value:e=>e.outliers,render:e=>u(e.outliers)}]})}async function bn(){let{day:t,id:e}=$().parameters,n=Te().find(r=>r.day===
t&&r.gap_id===e);return n?E(n.name,X([["What the tests never ask",L("coverage")]]),s("p",{class:"lead"},`${_(n.traffic_share)} of production on ${n.day}. ${n.description}`),
s("dl",{class:"facts compact"},y("kind",n.kind),y("prompts",`${u(n.size)}, ${u(n.prompts)} of them distinct`),y("tests",`${u(n.tests)} where ${u(Math.round(n.expected_tests))}\
 would be expected`),n.adjusted_p_value!==null&&y("adjusted p",F(n.adjusted_p_value)),y("id",s("code",null,n.gap_id))),fe(n),m.scope.texts&&s("div",{class:"colu\
mns"},v("What is asked",Br(n)),v("The nearest tests",Wr(n)))):W("gap","coverage")}function Br(t){let e=t.prompts_asked.length?t.prompts_asked:t.representative_prompts.
map((r,o)=>({prompt:r,source:"",log_id:`${t.gap_id}-${o+1}`})),n=[{key:"example_id",title:"example_id",value:r=>`${t.day}-${r.log_id}`},{key:"input_text",title:"\
input_text",value:r=>r.prompt},{key:"source",title:"source",value:r=>r.source},{key:"day",title:"day",value:()=>t.day},{key:"log_id",title:"log_id",value:r=>r.log_id},
{key:"gap",title:"gap",value:()=>t.name}];return[s("div",{class:"tools"},s("span",{class:"tally"},e.length<t.size?`${u(e.length)} of ${k(t.size,"prompt")}`:k(t.
size,"prompt")),s("span",{class:"field"},"as test cases:"),se(`tests-${t.gap_id}`,n,()=>e,{lines:!0})),Q(e,r=>s("div",{class:"asked"},O(r.prompt)),{step:10})]}function Wr(t){
return s("ul",{class:"plain-list"},t.nearest_tests.map(e=>s("li",null,O(e.prompt),s("span",{class:"faint"},`distance ${q(e.distance)}`))))}function ct(t){let e=Ue(t);return e.length?e.map((n,r)=>[r?" › ":null,s("a",{href:ee(n.category_id)},n.name)]).flat():[N(t)]}var Dr=4e3,dt=" no error";function mt(t,e){let n=t.columns.label[e];if(!T.keepsLabels&&!n)return null;let r=s("div",{class:"label","data-example":t.columns.example_id[e]});
return ut(r,t,e),y("label",r)}function ut(t,e,n,r=""){let o=e.columns.label[n],a=e.columns.outcome[n]==="failed",i=d=>Ur(t,e,n,d),l=d=>t.replaceChildren(zr(e,n,
d,i,()=>ut(t,e,n))),c=()=>l(!1);t.replaceChildren(...Ze([o&&Hr(o),T.keepsLabels&&(o?s("p",{class:"label-tools"},Re("Change",()=>l(o.right)),Re("Undo",()=>i(null))):
s("p",{class:"label-tools"},s("span",{class:"faint"},a?"What is it?":"Is the judgment right?"),!a&&Re("Right",()=>i({right:!0})),Re(a?"Say what it is":"Wrong …",
c))),r&&s("p",{class:"trouble",role:"alert"},r)]))}function Re(t,e){return s("button",{type:"button",class:"small",click:e},t)}function Hr(t){let e=t.is_error?t.
right?null:t.kind?["it is ",...ct(t.kind)]:"it is another error":"there is no error";return s("div",null,s("p",null,s("span",{class:`said ${t.right?"right":"wro\
ng"}`},t.right?"right":"wrong"),e&&[": ",e].flat()),t.why&&s("p",{class:"why-said"},t.why))}function zr(t,e,n,r,o){let a=t.columns.label[e],i=t.columns.outcome[e]??
"",l={right:i==="failed"?!1:n},c=Ir(i,a&&!a.right?a.is_error?a.kind:dt:""),d=s("label",{class:"label-field"},s("span",null,"What is it really?"),c),f=s("textare\
a",{rows:3,maxlength:Dr});f.value=a?.why??"";let h=ge("The judgment is",i==="failed"?["wrong"]:["right","wrong"],l.right?"right":"wrong",p=>{l.right=p==="right",
d.hidden=l.right});d.hidden=l.right;let w=()=>({right:l.right,is_error:l.right?null:c.value!==dt,kind:l.right||c.value===dt?"":c.value,note:f.value.trim()}),S=s(
"div",{class:"label-editor",role:"group","aria-label":"Label this judgment"},h,d,s("label",{class:"label-field"},s("span",null,"Why? (optional)"),f),s("p",{class:"\
label-tools"},Re("Save",()=>r(w())),Re("Cancel",o)));return setTimeout(()=>(l.right?f:c).focus()),S}function Ir(t,e){let n=t==="no_error_found"?[]:[{id:dt,name:"\
No error at all"}],r={id:"",name:t==="no_error_found"?"An error; which kind is left open":"Another error; which kind is left open"},o=$t(m.taxonomy?.categories??
[]).map(a=>({id:a.category_id,name:`${" ".repeat(a.depth-1)}${ne(a.name,60)}`}));return s("select",null,[r,...n,...o].map(a=>s("option",{value:a.id,selected:a.
id===e},a.name)))}async function Ur(t,e,n,r){let{columns:o}=e;t.querySelectorAll("button").forEach(a=>a.disabled=!0);try{o.label[n]=await T.keepLabel({dataset:e.
name("dataset",n),model:e.name("model",n),example_id:o.example_id[n],label:r,seen:{outcome:o.outcome[n]??"",error_title:e.name("error_title",n)}}),ut(t,e,n),t.querySelector(
"button")?.focus()}catch(a){let{message:i}=a,l=t.querySelector(".label-editor");if(!l)return ut(t,e,n,i);t.querySelector(".trouble")?.remove(),t.querySelectorAll(
"button").forEach(c=>c.disabled=!1),l.append(s("p",{class:"trouble",role:"alert"},i))}}function At(t){return t?t.right?"right":"wrong":""}function vn(t,e,{withModel:n=!1}={}){let r=t.columns,o=t.name("dataset",e);return s("article",{class:`example ${ae(r.failed[e])}`},s("header",null,s("a",{class:"\
row-link",href:Z(o,r.example_id[e])},r.example_id[e]),re(r.failed[e]),n&&s("span",{class:"faint"},`${t.name("model",e)} on ${o}`),r.score[e]!==null&&s("span",{class:"\
faint"},`score ${q(r.score[e])}`),r.epochs[e]>1&&s("span",{class:"faint"},`mean of ${r.epochs[e]} repeats; the first is shown`)),m.scope.texts?s("dl",{class:"fa\
cts"},y("prompt",D(t,r.prompt[e],a=>O(a))),y("answer",D(t,r.response[e],a=>O(a))),r.reference[e]>=0&&y("expected",D(t,r.reference[e],a=>O(a))),pt(t,e),t.columns.
outcome[e]&&mt(t,e)):s("dl",{class:"facts"},pt(t,e)??y("texts","left out of this report")))}function pt(t,e){let n=t.columns.outcome[e];if(!n)return null;let r=t.
name("error_title",e),o=t.name("category_id",e);return y("judgment",s("div",{class:"judgment"},s("p",null,r?s("strong",null,r):N(n)),t.columns.error_summary[e]>=
0&&D(t,t.columns.error_summary[e],a=>s("p",null,a)),s("p",{class:"faint"},o&&o!=="unclassified"?[...ct(o)," · "]:null,`judged by ${t.columns.judged_by[e]}`)))}
function wn(t){return s("ul",{class:"criteria"},t.map(e=>s("li",null,s("span",{class:`quality ${e.quality}`},N(e.quality)),` ${e.criterion}`,e.comment&&s("span",
{class:"faint"},`: ${e.comment}`),e.evidence&&s("q",null,e.evidence),e.evidence&&!e.evidence_found&&s("span",{class:"faint"}," (not in the answer)"))))}function ft(t){let{find:e,show:n,tell:r,step:o,kinds:a=[],chosen:i="",change:l}=t,c=s("span",{class:"tally",role:"status"}),[d,f,h]=[s("div",{class:"exports"}),
s("div",{class:"list"}),s("div",{class:"more"})],w=0;async function S(C){let z=++w;f.replaceChildren(Tt()),h.replaceChildren();try{let g=await e(C,o);if(z!==w)return;
c.textContent=r(g,C),d.replaceChildren(t.exports(g)),f.replaceChildren(...g.shown.map(I=>n(g,I))),g.total||f.replaceChildren(s("p",{class:"empty"},"None.")),p(g)}catch(g){
z===w&&f.replaceChildren(me(g,()=>{S(C)}))}}function p(C){h.replaceChildren(...ye(C.left,z));async function z(){h.replaceChildren(Tt());try{f.append(...(await C.
more(o)).map(g=>n(C,g))),p(C)}catch(g){h.replaceChildren(me(g,z))}}}S(i);let x=ge("Show",a,i,C=>{l?.(C),S(C)});return[s("div",{class:"tools"},x,c,d),f,h]}function _n(t,e,n){let r=s("select",{"aria-label":"kinds of error",change:()=>n(r.value)},s("option",{value:""},"All kinds of error"),t.map(o=>s("option",{value:o.
category_id,selected:o.category_id===e},ne(o.name,50))));return r}function xn(t){let{columns:e}=t;return{name:"examples",rows:[],href:n=>Z(t.name("dataset",n),e.
example_id[n]),empty:"No example fits.",columns:[{key:"example_id",title:"example",first:!0,value:n=>e.example_id[n]},{key:"model",title:"model",value:n=>t.name(
"model",n)},{key:"dataset",title:"dataset",value:n=>t.name("dataset",n),minor:B().length<2},{key:"verdict",title:"verdict",value:n=>xe(e.failed[n]),render:n=>re(
e.failed[n])},...m.scope.texts?[{key:"prompt",title:"prompt",unsorted:!0,value:()=>null,render:n=>D(t,e.prompt[n],r=>s("span",null,ne(r??"",110)))}]:[],{key:"er\
ror",title:"error",value:n=>t.name("error_title",n),render:n=>ne(t.name("error_title",n),60)},...e.label.some(Boolean)?[{key:"label",title:"label",value:n=>At(e.
label[n])}]:[]]}}function Xr(t){let{columns:e}=t,n=["prompt","response","reference","error_summary"];return[{key:"dataset",title:"dataset",value:r=>t.name("data\
set",r)},{key:"model",title:"model",value:r=>t.name("model",r)},{key:"example_id",title:"example_id",value:r=>e.example_id[r]},{key:"failed",title:"failed",value:r=>e.
failed[r]<0?null:e.failed[r]===1},{key:"score",title:"score",value:r=>e.score[r]},{key:"category_id",title:"category_id",value:r=>t.name("category_id",r)||null},
{key:"error_title",title:"error_title",value:r=>t.name("error_title",r)||null},{key:"label",title:"label",value:r=>At(e.label[r])||null},{key:"slices",title:"sl\
ices",value:r=>t.slices(r).join(" ")},...m.scope.texts?n.map(r=>({key:r,title:r,value:o=>t.textNow(e[r][o])})):[]]}function ht(t,e){return se(t,Xr(e.examples),()=>e.
all())}function gt({name:t,question:e,unit:n,total:r,verdicts:o=[],withModel:a,chosen:i,change:l}){return ft({find:(c,d)=>T.find({...e,verdict:c},d),show:({examples:c},d)=>vn(
c,d,{withModel:a}),tell:(c,d)=>!d&&c.total<r?`${u(c.total)} of ${u(r)} are in this report's sample`:k(c.total,n),exports:c=>ht(t,c),step:6,kinds:o.length?["",...o]:
[],chosen:i,change:l})}async function kn(){let t=Pe();if(!t||!t.total)return E("Kinds of error",s("p",{class:"empty"},"No failure has been judged yet."));let e=Math.max(...t.rows.map(
l=>l.depth)),n={depth:Number($().parameters.depth)||Math.min(2,e),least:Number($().parameters.least)||1,query:$().parameters.q??"",open:new Set([])},r=s("div",{
class:"tree"}),o=s("span",{class:"tally",role:"status"}),a=[],i=()=>{a=t.rows.filter(l=>Kr(l,n)),r.replaceChildren(...a.map(l=>Jr(l,t.rows,n,i))),o.textContent=
`${u(a.length)} of ${k(t.rows.length,"kind")}`};return i(),E("Kinds of error",s("p",{class:"lead"},`${k(t.total,"judged error")}, grouped. A count holds everyth\
ing below it.`),Gr(t,n,e,i,o,()=>a),r,t.unclassified>0&&s("p",{class:"note"},`${u(t.unclassified)} fit no kind.`),m.taxonomy.blind_spot&&s("p",{class:"note"},m.
taxonomy.blind_spot))}function Kr(t,e){return t.errors<e.least?!1:e.query?`${t.name} ${t.description}`.toLowerCase().includes(e.query.toLowerCase()):t.depth<=e.
depth||t.parent_id!==null&&e.open.has(t.parent_id)}function Gr(t,e,n,r,o,a){let i=s("input",{type:"search",placeholder:"Search","aria-label":"Search kinds of er\
ror",value:e.query,input:()=>{e.query=i.value.trim(),P({q:e.query}),r()}}),l=s("input",{type:"number",min:1,max:t.total,value:e.least,class:"short",input:()=>{e.
least=Math.max(1,Number(l.value)||1),P({least:e.least>1?e.least:null}),r()}}),c=Array.from({length:n},(d,f)=>String(f+1));return s("div",{class:"tools"},i,ge("D\
epth",c,String(e.depth),d=>{e.depth=Number(d),e.open.clear(),P({depth:d}),r()}),s("label",{class:"field"},"at least",l,"errors"),o,se("kinds-of-error",["categor\
y_id","parent_id","depth","name","description","errors","share"].map(d=>({key:d,title:d,value:f=>f[d]})),a))}function Jr(t,e,n,r){let o=e.some(c=>c.parent_id===
t.category_id&&c.errors>=n.least),a=n.depth>t.depth||n.open.has(t.category_id),i=()=>{n.open.delete(t.category_id)||n.open.add(t.category_id),r(),document.querySelector(
`.fold[data-id="${CSS.escape(t.category_id)}"]`)?.focus()},l=o&&n.depth<=t.depth&&!n.query;return s("div",{class:`tree-row depth-${Math.min(t.depth,6)}`},l?s("b\
utton",{type:"button",class:"fold","data-id":t.category_id,"aria-expanded":String(a),"aria-label":`What is in ${t.name}`,click:i},a?"▾":"▸"):s("span",{class:"\
fold","aria-hidden":"true"}),s("a",{class:"row-link name",href:ee(t.category_id)},t.name),s("span",{class:"number"},u(t.errors)),s("span",{class:"number faint"},
_(t.share)),rt({rate:t.share}))}async function Rn(){let{id:t=""}=$().parameters,e=Ie(t),n=Pe();if(!e||!n)return W("kind of error","taxonomy");let r=n.rows.find(
a=>a.category_id===t),o=n.rows.filter(a=>a.parent_id===t);return E(e.name,X([["Kinds of error",L("taxonomy")],...Ue(t).slice(0,-1).map(a=>[a.name,ee(a.category_id)])]),
e.description&&s("p",{class:"lead"},e.description),s("p",{class:"note"},r?`${k(r.errors,"error")}, ${_(r.share)} of all.`:"None in what is chosen."),s("div",{class:"\
columns"},v("By model",Yr(t)),o.length?v("Inside",Qr(o)):null),v("Errors",...gt({name:"errors",question:{...V(),kind:t},unit:"error",total:r?.errors??0,withModel:!0})))}
function Qr(t){return s("ul",{class:"plain-list"},t.map(e=>s("li",null,s("a",{href:ee(e.category_id)},e.name),s("span",{class:"faint"},` ${u(e.errors)} · ${_(e.
share)}`))))}function Yr(t){let e=m.taxonomy.counts.filter(n=>n.category_id===t&&j(n)).map(n=>({...n,scored:It(n.dataset,n.model)?.scored??null}));return M({name:"\
errors by model",plain:!0,rows:e,sort:"-errors",empty:"None.",columns:[{key:"model",title:"model",first:!0,value:n=>n.model},{key:"dataset",title:"dataset",value:n=>n.
dataset,minor:B().length<2},{key:"errors",title:"errors",number:!0,value:n=>n.errors,render:n=>u(n.errors)},{key:"rate",title:"of its examples",value:n=>n.scored?
n.errors/n.scored:null,render:n=>K({rate:n.scored?n.errors/n.scored:null})}]})}async function $n(){let t=m.signatures.filter(j),e=["model","slice"],n={scope:$().
parameters.of||"model",all:$().parameters.all==="1"},r=s("div"),o=()=>{let a=t.filter(i=>i.scope===n.scope&&(n.all||i.significant));r.replaceChildren(Zr(a,n.scope))};
return o(),E("Signatures",s("p",{class:"lead"},"Which kinds of error a model makes more often than the other models, and which gather in its slices."),s("div",{
class:"tools"},ge("Of",e,n.scope,a=>{n.scope=a,P({of:a,sort:null}),o()}),et("not significant, too",n.all,a=>{n.all=a,P({all:a?"1":null}),o()})),r)}function Zr(t,e){
let n=e==="model";return M({name:n?"signatures of models":"signatures of slices",unit:"signature",rows:t,href:r=>ee(r.category_id),text:r=>`${r.category} ${r.model}\
 ${r.dataset} ${r.slice??""}`,sort:"adjusted_p_value",empty:"No kind of error stands out.",columns:[{key:"category",title:"kind of error",first:!0,value:r=>r.category},
{key:"model",title:"model",value:r=>r.model},{key:"dataset",title:"dataset",value:r=>r.dataset,minor:B().length<2},...n?[]:[{key:"slice",title:"slice",value:r=>r.
slice??r.slice_id}],{key:"errors",title:"errors",number:!0,value:r=>r.errors,render:r=>u(r.errors)},{key:"rate",title:n?"of its examples":"of the errors in it",
value:r=>r.rate,render:r=>K({rate:r.rate,mark:r.rest_rate})},{key:"rest_rate",title:n?"others":"elsewhere",number:!0,value:r=>r.rest_rate,render:r=>_(r.rest_rate)},
{key:"risk_ratio",title:"ratio",number:!0,value:r=>r.risk_ratio,render:r=>r.risk_ratio===null?"–":[`${q(r.risk_ratio)} `,!r.claim?.flaw&&s("small",null,`${q(r.
risk_ratio_low)}–${q(r.risk_ratio_high)}`)]},{key:"adjusted_p_value",title:"adj. p",number:!0,value:r=>r.adjusted_p_value,render:r=>F(r.adjusted_p_value)}]})}var es=150,ts=200,ns=500;async function En(){let t={...$().parameters},[e,n]=[s("div"),s("span",{class:"tally",role:"status"})],r=s("div",{class:"exports"}),o=new AbortController,
a=T.keepsLabels,i=async()=>{o.abort(),o=new AbortController;let{signal:h}=o,{q:w,verdict:S,kind:p,label:x,sort:C}=t,z=setTimeout(()=>n.textContent="Reading …",
es);try{let g=await T.find({...V(),q:w,verdict:S,kind:p,label:x,sort:C},Fe,h);if(h.aborted)return;a||=g.examples.columns.label.some(Boolean),e.replaceChildren(os(
g,t.sort??"",c)),n.textContent=ss(g.total),r.replaceChildren(ht("examples",g))}catch(g){if(h.aborted)return;n.textContent="",e.replaceChildren(me(g,()=>{i()})),
r.replaceChildren()}finally{clearTimeout(z)}},l=h=>w=>{t[h]=w,P({[h]:w}),i()},c=h=>l("sort")(t.sort===h?`-${h}`:t.sort===`-${h}`?"":h),d=rs(t.q??"",l("q"));await i();
let f=(m.taxonomy?.categories??[]).filter(h=>h.depth===1);return E("Examples",s("p",{class:"lead"},De()),s("div",{class:"tools"},d,le("verdicts",["failed","pass\
ed","no score"],t.verdict??"",l("verdict")),f.length>0&&_n(f,t.kind??"",l("kind")),a&&le("labels",Object.keys(ze),t.label??"",l("label")),n,r),e)}function rs(t,e){
let n=0,r=()=>e(o.value.trim()),o=s("input",{type:"search",maxlength:ts,placeholder:"Search prompts and answers","aria-label":"Search prompts and answers",value:t,
input:()=>{clearTimeout(n),T.searchMilliseconds?n=setTimeout(r,T.searchMilliseconds):r()}});return o}function ss(t){let{shown:e}=m.examples;return t===e?k(e,"an\
swer"):`${u(t)} of ${k(e,"answer")}`}function os(t,e,n){if(!t.total)return s("p",{class:"empty"},"No example fits.");let r=xn(t.examples),o=s("tbody",null,t.shown.
map(h=>nt(r,h))),a=tt(r.columns).map(h=>Ot(h,{sort:e},()=>n(h.key))),i=s("div",{class:"more"}),l=()=>i.replaceChildren(...ye(t.left,c));async function c(){try{o.
append(...(await t.more(4*Fe)).map(h=>nt(r,h))),l()}catch(h){i.replaceChildren(me(h,c))}}l();let d=s("caption",{class:"off-screen"},"examples"),f=s("table",{class:"\
data"},d,s("thead",null,s("tr",null,a)),o);return s("div",{class:"table-block"},f,i)}async function Sn(){let{dataset:t="",id:e=""}=$().parameters,{examples:n,total:r}=await T.
find({dataset:t,ids:[e]},ns),o=n.ofExample(t,e);if(!r||!o.length)return W(m.examples.sampled?"example in this report's sample":"example","examples");let{columns:a}=n,
[i]=o;return E(e,X([["Examples",L("examples",{dataset:t})]]),s("p",{class:"lead"},`Of ${t}, answered by ${k(o.length,"model")}.`),m.scope.texts&&s("dl",{class:"\
facts"},y("prompt",D(n,a.prompt[i],l=>O(l))),a.full_prompt[i]>=0&&y("in full",ke("The whole prompt as it was sent",()=>D(n,a.full_prompt[i],l=>O(l)))),a.reference[i]>=
0&&y("expected",D(n,a.reference[i],l=>O(l)))),...o.map(l=>as(n,l)))}function as(t,e){let{columns:n}=t,[r,o]=[t.name("dataset",e),t.name("model",e)],a=t.slices(e).
flatMap(i=>de().find(l=>l.slice_id===i&&l.model===o&&l.dataset===r)??[]);return s("article",{class:`example ${ae(n.failed[e])}`},s("header",null,s("h2",null,o),
re(n.failed[e]),n.score[e]!==null&&s("span",{class:"faint"},`score ${q(n.score[e])}`),n.epochs[e]>1&&s("span",{class:"faint"},`mean of ${n.epochs[e]} repeats; t\
he first is shown`)),s("dl",{class:"facts"},m.scope.texts&&y("answer",D(t,n.response[e],i=>O(i))),pt(t,e),n.outcome[e]&&mt(t,e),a.length>0&&y("slices",a.map((i,l)=>[
l?", ":null,s("a",{href:ue(i)},i.name)]).flat())),n.details[e]>=0&&D(t,n.details[e],i=>is(i)))}function is(t){let e=JSON.parse(t??"{}");return s("dl",{class:"fa\
cts"},e.criteria&&y("criteria",ke(k(e.criteria.length,"criterion","criteria"),()=>wn(e.criteria))),e.reason&&y("reason",e.reason),e.metadata&&y("metadata",ke("W\
hat the file says of it",()=>s("pre",null,JSON.stringify(e.metadata,null,2)))))}var Ve=["--slice-1","--slice-2","--slice-3","--slice-4","--slice-5","--slice-6"],ls=12,cs=.05,ds=.9,yt=Math.PI/8,bt=Math.PI/2;function Be(t,e,n,r){let o=e.filter(
b=>t.columns.x[b]!==null),a={x:Ft(o,t.columns.x),y:Ft(o,t.columns.y)},i=ms(t,o),l=s("canvas",{role:"img","aria-label":r}),c=s("div",{class:"tip",hidden:!0}),d={
zoom:1,x:.5,y:.5,named:null,solid:!1,turn:.6,tilt:.35},f=new Map(n.flatMap(b=>b.rows.map(R=>[R,b])));function h(b){let{clientWidth:R,clientHeight:Y}=l,[oe,te]=[
R-24,Y-24];if(d.solid&&i){let[H,J,ve]=ps(i,b,d.turn,d.tilt),we=Math.min(oe,te)*d.zoom;return[R/2+we*(H-(d.x-.5)),Y/2+we*(J-(d.y-.5)),ve]}return[12+oe*((a.x[b]-d.
x)*d.zoom+.5),12+te*((1-a.y[b]-d.y)*d.zoom+.5),1]}function w(){if(!l.isConnected||!l.clientWidth)return;let b=devicePixelRatio||1;l.width=l.clientWidth*b,l.height=
l.clientHeight*b;let R=l.getContext("2d");R.scale(b,b);let Y=getComputedStyle(document.documentElement),oe=o.length>4e3?1.6:o.length>800?2.4:3.2,te=o.map((H,J)=>({
row:H,one:f.get(H),at:h(J)}));te.sort((H,J)=>Number(S(H.one))-Number(S(J.one))||H.at[2]-J.at[2]);for(let{row:H,one:J,at:ve}of te){let[we,xt,Se]=ve,Dt=t.columns.
failed[H]===1,Ce=S(J)?J:void 0;R.beginPath(),R.arc(we,xt,(Ce?oe*1.35:oe)*(.6+.4*Se),0,2*Math.PI);let Ht=Y.getPropertyValue(Ce?Ce.color:Dt?"--point-failed":"--po\
int").trim();R.globalAlpha=(d.named&&!Ce?.45:1)*(.35+.65*Se),Ce&&!Dt?(R.strokeStyle=Ht,R.lineWidth=1.2,R.stroke()):(R.fillStyle=Ht,R.fill())}}function S(b){return b!==
void 0&&(d.named===null||b.name===d.named)}function p(b){let R=l.getBoundingClientRect(),[Y,oe]=[b.clientX-R.left,b.clientY-R.top],[te,H]=[-1,ls**2];return o.forEach(
(J,ve)=>{let[we,xt]=h(ve),Se=(we-Y)**2+(xt-oe)**2;Se<H&&([te,H]=[ve,Se])}),te}let x=-1;function C(b){if(x=p(b),l.classList.toggle("pointing",x>=0),x<0){c.hidden=
!0;return}let R=o[x],[Y,oe]=h(x);c.hidden=!1,c.style.left=`${Math.min(Y+12,l.clientWidth-240)}px`,c.style.top=`${oe+12}px`;let te=xe(t.columns.failed[R]),H=s("s\
trong",null,`${t.columns.example_id[R]} · ${te}`);c.replaceChildren(H),t.text(t.columns.prompt[R]).then(J=>{x>=0&&o[x]===R&&J&&c.replaceChildren(H,s("span",null,
ne(J,140)))})}function z(b){let R=he>4?-1:p(b);R>=0&&(location.hash=Z(t.name("dataset",o[R]),t.columns.example_id[o[R]]))}function g(b){d.zoom=Math.min(32,Math.
max(1,d.zoom*b)),d.zoom===1&&([d.x,d.y]=[.5,.5]),w()}function I(b,R=0){d.turn+=b,d.tilt=Math.min(bt,Math.max(-bt,d.tilt+R)),w()}function ce(b){Object.assign(d,{
solid:b,zoom:1,x:.5,y:.5}),l.classList.toggle("solid",b),Ee.setAttribute("aria-pressed",String(b));for(let R of $e)R.hidden=!b;w()}let G=null,he=0;l.addEventListener(
"pointerdown",b=>{G={x:b.clientX,y:b.clientY},he=0,l.setPointerCapture(b.pointerId)}),l.addEventListener("pointerup",()=>G=null),l.addEventListener("pointercanc\
el",()=>G=null),l.addEventListener("pointermove",b=>{if(!G)return;let[R,Y]=[b.clientX-G.x,b.clientY-G.y];he+=Math.abs(R)+Math.abs(Y),G={x:b.clientX,y:b.clientY},
d.solid?I(R/l.clientWidth*Math.PI,Y/l.clientHeight*Math.PI):d.zoom>1&&(d.x-=R/(l.clientWidth*d.zoom),d.y-=Y/(l.clientHeight*d.zoom),w())}),l.addEventListener("m\
ousemove",C),l.addEventListener("mouseleave",()=>c.hidden=!0),l.addEventListener("click",z),new ResizeObserver(w).observe(l),addEventListener("themechange",w);let $e=[
s("button",{type:"button",hidden:!0,"aria-label":"Turn left",click:()=>I(-yt)},"◁"),s("button",{type:"button",hidden:!0,"aria-label":"Turn right",click:()=>I(
yt)},"▷"),s("button",{type:"button",hidden:!0,"aria-label":"Tilt",click:()=>I(0,d.tilt+yt>bt?-2*bt:yt)},"△")],Ee=s("button",{type:"button","aria-pressed":"f\
alse",title:"The same prompts in space; drag to turn",hidden:!i,click:()=>{ce(!d.solid),P({space:d.solid?1:null})}},"3-D"),Zn=s("div",{class:"map-buttons"},Ee,$e,
s("button",{type:"button","aria-label":"Zoom in",click:()=>g(2)},"+"),s("button",{type:"button","aria-label":"Zoom out",click:()=>g(.5)},"−")),er=s("figure",{
class:"map"},s("div",{class:"map-canvas"},l,c),s("figcaption",null,Zn,us(n),"Each point is a prompt; similar ones lie close. Of the lit ones, filled have failed\
."));return i&&$().parameters.space&&ce(!0),{element:er,light(b){d.named=b,w()}}}function us(t){return s("ul",{class:"legend"},t.map((e,n)=>s("li",null,s("span",
{class:`swatch slice-${n%Ve.length+1}`,"aria-hidden":"true"}),e.name)))}function Ft(t,e){let n=t.map(l=>e[l]??0),r=n.map((l,c)=>c).sort((l,c)=>n[l]-n[c]),o=r.length?
n[r[r.length-1]]-n[r[0]]:0,a=new Float64Array(n.length);for(let l=1;l<r.length;l++){let c=n[r[l]]-n[r[l-1]];a[r[l]]=a[r[l-1]]+Math.min(c,cs*o)}let i=r.length?a[r[r.
length-1]]:0;return a.map(l=>i?l/i:.5)}function ms(t,e){let n=[t.columns.x_3d,t.columns.y_3d,t.columns.z_3d];if(!e.length||n.some(i=>!i||e.some(l=>i[l]===null)))
return null;let r=n.map(i=>{let l=Ft(e,i),c=l.reduce((d,f)=>d+f,0)/l.length;return l.map(d=>d-c)}),o=e.map((i,l)=>Math.hypot(...r.map(c=>c[l]))).sort((i,l)=>i-l),
a=Math.max(1e-9,o[Math.floor(ds*(o.length-1))]);return r.map(i=>i.map(l=>.9*l/a))}function ps(t,e,n,r){let[o,a,i]=t.map(h=>h[e]),l=o*Math.cos(n)+i*Math.sin(n),c=i*
Math.cos(n)-o*Math.sin(n),d=a*Math.cos(r)-c*Math.sin(r),f=c*Math.cos(r)+a*Math.sin(r);return[l/2,-d/2,Math.min(1,Math.max(0,f/2+.5))]}function vt(t,e,n){return n.
slice(0,Ve.length).map((r,o)=>{let a=t.names.slice.indexOf(r.slice_id);return{name:r.name,color:Ve[o],rows:e.filter(i=>t.columns.slice[i].includes(a))}})}var Cn=3;async function Tn(){let t=m.audits.filter(j);if(!m.audits.length)return E("Where the models fail",s("p",{class:"empty"},"Nothing has been audited yet: \
run ",s("code",null,"faultmap audit FILE"),"."));let{memo:e}=m,n=t.reduce((i,l)=>i+l.examples,0),[r,...o]=e.rankings.filter(i=>j({dataset:i.dataset})),a=[xs(),ks(),
Rs()].filter(i=>i!==null);return E("Where the models fail",s("p",{class:"lead"},`${k(new Set(t.map(i=>i.model)).size,"model")} on ${k(new Set(t.map(i=>i.dataset)).
size,"dataset")}, ${k(n,"answer")}.`),s("div",{class:"columns memo"},r&&Ln(r),await gs(t)),v("Repair first",bs()),ws(),v("What these data cannot tell",_s(e)),o.
length>0&&v("The other datasets",Q(o,Ln,{step:6})),a.length>0&&v("More",s("ul",{class:"findings"},a)),m.changes&&v("What changed",$s(m.changes)))}function Ln(t){
let e=t.models.filter(j),n=t.models.filter(a=>a.failure_rate!==null).length>1,[{scored:r}]=t.models,o=t.models.every(a=>a.scored===r&&a.examples===r)?r:null;return s(
"section",{class:"ranking"},s("h2",null,t.dataset,o!==null&&s("small",null,n?` ${u(o)} answers of each`:` ${k(o,"answer")}`)),t.told&&s("p",null,t.told),M({name:`\
models on ${t.dataset}`,plain:!0,rows:e,href:a=>U("slices",{dataset:t.dataset,model:a.model}),columns:[{key:"model",title:"model",first:!0,value:a=>a.model,render:a=>pe(
a.model)},{key:"failure_rate",title:"failed",value:a=>a.failure_rate,render:a=>K({rate:a.failure_rate,low:a.failure_rate_low,high:a.failure_rate_high})},...o===
null?[{key:"scored",title:"answers",number:!0,value:a=>a.scored,render:hs}]:[],...n?[{key:"place",title:"place",value:a=>t.models.indexOf(a),render:a=>fs(a)}]:[],
{key:"slices",title:"weak spots",number:!0,value:a=>a.slices,render:a=>u(a.slices)}]}),n&&Mt("How the order is made","Models stand by the share of their answers\
 that failed, with its 95% interval (Wilson). Who leads and who is tied is decided by comparing answers to the same prompts, two models at a time (McNemar's tes\
t, p adjusted over all pairs): “tied” means that the comparison with the first model shows no winner. A weak spot is a group of prompts in which the model fails\
 more often than on the rest (a failure slice)."))}function fs(t){return s("span",{class:`place ${t.place.replace(" ","-")}`},t.place)}function hs(t){let e=t.examples-
t.scored;return[u(t.scored),e>0&&s("small",{class:"under"},`${u(e)} more without a score`)]}async function gs(t){let[e]=Mn(),n=t.find(i=>e&&i.dataset===e.dataset&&
i.model===e.model)??ot(t);if(!n)return null;let r=await T.map(),o=r.of(n.dataset,n.model),a=Be(r,o,vt(r,o,n.slices),`Map of the prompts of ${n.dataset}, as ${n.
model} answers them`);return s("div",null,s("h2",null,"Map of the prompts",s("small",null," as ",pe(n.model)," answers them")),a.element)}function Mn(){let{model:t}=V();
return m.memo.repairs.filter(e=>j({dataset:e.dataset})&&(!t||e.model===t||e.also_of.includes(t))).map(e=>t&&e.model!==t?ys(e,t):e)}function ys(t,e){let n=de().find(
o=>o.slice_id===t.slice_id&&o.dataset===t.dataset&&o.model===e),r=[t.model,...t.also_of].filter(o=>o!==e);return{...t,model:e,name:n?.name??t.name,claim:n?.claim??
t.claim,recoverable:"",also_of:r}}function bs(){let t=Mn();if(!t.length){let n=Nn().length?" that is more than chance over the whole audit":"";return s("p",{class:"\
empty"},`No group of prompts was found in which a model fails more often than elsewhere${n}.`)}let e=t.length-Cn;return[s("ol",{class:"repairs"},t.slice(0,Cn).map(
vs)),e>0&&s("p",null,s("a",{href:L("slices")},`All weak spots (${u(e)} more)`))]}function vs(t){return s("li",null,s("a",{class:"row-link",href:ue(t)},t.name),s(
"p",null,s("span",{class:"faint"},B().length>1?`${t.model} on ${t.dataset}: `:`${t.model}: `),t.claim.told),t.prompt&&s("p",{class:"typical"},"For example: ",s(
"q",null,ne(t.prompt,180))),t.recoverable&&s("p",null,t.recoverable),t.also_of.length>0&&s("p",{class:"note"},`The same prompts are a weak spot of ${t.also_of.join(
", ")}.`),ie(t.claim))}function Nn(){return m.memo.may_be_chance.filter(j)}function ws(){let t=Nn();return t.length?v("May be chance",s("p",null,`Each of these \
was found in one of ${u(m.memo.searches)} searches (a model on a dataset); among all of them a finding like it can come up by chance. Look before you repair.`),
Q(t,e=>s("p",null,s("a",{class:"row-link",href:ue(e)},e.name),` ${e.model}: ${e.claim.told}`),{step:5})):null}function _s(t){return t.cannot_tell.length?s("ul",
{class:"cannot"},t.cannot_tell.map(e=>s("li",null,e))):s("p",{class:"empty"},"Every answer has a score, and no row was set aside.")}function wt(t,e,...n){return s(
"li",null,s("a",{class:"row-link finding",href:e},s("span",{class:"kind"},t),s("span",{class:"told"},...n)))}function xs(){let t=Pe(),e=(t?.rows??[]).filter(r=>r.
depth===1&&!r.other&&r.category_id!=="unexplained").slice(0,3);if(!t||!e.length)return null;let n=e.map((r,o)=>[o?", ":null,s("strong",null,r.name),` ${_(r.share)}`]).
flat();return wt("why",L("taxonomy"),...n,` of ${k(t.total,"error")}`)}function ks(){let t=m.coverage.at(-1);if(!t)return null;let[e]=t.gaps;return e?wt("untest\
ed",je({...e,day:t.day}),s("strong",null,e.name),`: ${_(e.traffic_share)} of production on ${t.day}; the tests cover about ${_(t.coverage)} of that day`):wt("te\
sted",L("coverage"),`About ${_(t.coverage)} of production on ${t.day} is like something that is tested`)}function Rs(){let t=m.quality.filter(e=>j({dataset:e.dataset})).
flatMap(e=>e.items.filter(n=>n.flag==="suspect_label"||n.flag==="contradictory_label"));return t.length?wt("doubtful",L("quality",{flag:t[0].flag}),s("strong",null,
k(t.length,"label"))," may be wrong: the models agree on another answer, or copies contradict each other"):null}function $s(t){let{dataset:e,model:n}=V(),r=t.findings.
filter(o=>(!e||!o.dataset||o.dataset===e)&&(!n||!o.model||o.model.split("|").includes(n)));return[s("p",{class:"note"},`The audit of ${t.audited_at} against the\
 one of ${t.since}.`),t.alerts.length>0&&s("ul",{class:"plain-list alerts"},t.alerts.map(o=>s("li",null,s("strong",null,N(o.severity.toLowerCase())),`: ${o.message}`))),
r.length?Q(r,Es,{step:8}):s("p",{class:"empty"},"Nothing: every finding stands as before.")].filter(o=>o!==!1)}function Es(t){let e=Ss(t),n=[t.name===t.kind?"":
N(t.kind),t.model,t.dataset,t.day].filter(Boolean).join(" · "),r=He(t),o=t.value===null?"":t.before===null||t.before===void 0?_(t.value):`${_(t.before)} → ${_(
t.value)}`;return s("div",{class:"change"},s("span",{class:`status ${t.status}`},t.status),s("span",null,e?s("a",{class:"row-link",href:e},r):s("strong",null,r),
o&&` ${o}`,s("small",null,` ${n}`)))}function Ss(t){if(t.status==="gone"||!t.source_id)return null;let e=de().find(r=>r.slice_id===t.source_id&&r.dataset===t.dataset&&
r.model===t.model);if(e)return ue(e);if(t.kind==="error_category"){let r=(m.taxonomy?.categories??[]).find(o=>o.name===t.name);return r?ee(r.category_id):null}let n=Te().
find(r=>r.gap_id===t.source_id&&r.day===t.day);return n?je(n):null}var We=class{diff(e,n,r={}){let o;typeof r=="function"?(o=r,r={}):"callback"in r&&(o=r.callback);let a=this.castInput(e,r),i=this.castInput(n,r),l=this.removeEmpty(
this.tokenize(a,r)),c=this.removeEmpty(this.tokenize(i,r));return this.diffWithOptionsObj(l,c,r,o)}diffWithOptionsObj(e,n,r,o){var a;let i=g=>{if(g=this.postProcess(
g,r),o){setTimeout(function(){o(g)},0);return}else return g},l=n.length,c=e.length,d=1,f=l+c;r.maxEditLength!=null&&(f=Math.min(f,r.maxEditLength));let h=(a=r.timeout)!==
null&&a!==void 0?a:1/0,w=Date.now()+h,S=[{oldPos:-1,lastComponent:void 0}],p=this.extractCommon(S[0],n,e,0,r);if(S[0].oldPos+1>=c&&p+1>=l)return i(this.buildValues(
S[0].lastComponent,n,e));let x=-1/0,C=1/0,z=()=>{for(let g=Math.max(x,-d);g<=Math.min(C,d);g+=2){let I,ce=S[g-1],G=S[g+1];ce&&(S[g-1]=void 0);let he=!1;if(G){let Ee=G.
oldPos-g;he=G&&0<=Ee&&Ee<l}let $e=ce&&ce.oldPos+1<c;if(!he&&!$e){S[g]=void 0;continue}if(!$e||he&&ce.oldPos<G.oldPos?I=this.addToPath(G,!0,!1,0,r):I=this.addToPath(
ce,!1,!0,1,r),p=this.extractCommon(I,n,e,g,r),I.oldPos+1>=c&&p+1>=l)return i(this.buildValues(I.lastComponent,n,e))||!0;S[g]=I,I.oldPos+1>=c&&(C=Math.min(C,g-1)),
p+1>=l&&(x=Math.max(x,g+1))}d++};if(o)(function g(){setTimeout(function(){if(d>f||Date.now()>w)return o(void 0);z()||g()},0)})();else for(;d<=f&&Date.now()<=w;){
let g=z();if(g)return g}}addToPath(e,n,r,o,a){let i=e.lastComponent;return i&&!a.oneChangePerToken&&i.added===n&&i.removed===r?{oldPos:e.oldPos+o,lastComponent:{
count:i.count+1,added:n,removed:r,previousComponent:i.previousComponent}}:{oldPos:e.oldPos+o,lastComponent:{count:1,added:n,removed:r,previousComponent:i}}}extractCommon(e,n,r,o,a){
let i=n.length,l=r.length,c=e.oldPos,d=c-o,f=0;for(;d+1<i&&c+1<l&&this.equals(r[c+1],n[d+1],a);)d++,c++,f++,a.oneChangePerToken&&(e.lastComponent={count:1,previousComponent:e.
lastComponent,added:!1,removed:!1});return f&&!a.oneChangePerToken&&(e.lastComponent={count:f,previousComponent:e.lastComponent,added:!1,removed:!1}),e.oldPos=c,
d}equals(e,n,r){return r.comparator?r.comparator(e,n):e===n||!!r.ignoreCase&&e.toLowerCase()===n.toLowerCase()}removeEmpty(e){let n=[];for(let r=0;r<e.length;r++)
e[r]&&n.push(e[r]);return n}castInput(e,n){return e}tokenize(e,n){return Array.from(e)}join(e){return e.join("")}postProcess(e,n){return e}get useLongestToken(){
return!1}buildValues(e,n,r){let o=[],a;for(;e;)o.push(e),a=e.previousComponent,delete e.previousComponent,e=a;o.reverse();let i=o.length,l=0,c=0,d=0;for(;l<i;l++){
let f=o[l];if(f.removed)f.value=this.join(r.slice(d,d+f.count)),d+=f.count;else{if(!f.added&&this.useLongestToken){let h=n.slice(c,c+f.count);h=h.map(function(w,S){
let p=r[d+S];return p.length>w.length?p:w}),f.value=this.join(h)}else f.value=this.join(n.slice(c,c+f.count));c+=f.count,f.added||(d+=f.count)}}return o}};var qt=class extends We{tokenize(e){return e.slice()}join(e){return e}removeEmpty(e){return e}},On=new qt;function Vt(t,e,n){return On.diff(t,e,n)}var Cs=3e3;function Pn(t,e){let n={left:[],right:[]},r=Vt(jn(t),jn(e),{maxEditLength:Cs});if(!r)return{left:[_t(t,"left")],right:[_t(e,"right")]};for(let{value:o,
added:a,removed:i}of r){let l=o.join("");a||n.left.push(i?_t(l,"left"):l),i||n.right.push(a?_t(l,"right"):l)}return n}function jn(t){return t.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu)??
[]}function _t(t,e){return s("mark",{class:e},t)}function Fn(t,e,n){let r=t.ofExample(e.dataset,n),o=r.find(i=>t.name("model",i)===e.model_a),a=r.find(i=>t.name("model",i)===e.model_b);return o===void 0||a===void 0?
null:{a:o,b:a}}function qn(t){let e=["",`only ${t.model_a} right`,`only ${t.model_b} right`],n=Number($().parameters.only)||0,r=t.discordant_a_wins+t.discordant_b_wins,
o={dataset:t.dataset,a:t.model_a,b:t.model_b};return ft({find:(a,i)=>T.disagreements({...o,right:["",t.model_a,t.model_b][e.indexOf(a)]},i),show:({examples:a},i)=>Bt(
a,t,i),tell:(a,i)=>!i&&a.total<r?`${u(a.total)} of ${k(r,"disagreement")} are in this report's sample`:k(a.total,"disagreement"),exports:a=>se("disagreements",Ls(
a.examples),()=>a.all()),step:5,kinds:e,chosen:e[n],change:a=>P({only:e.indexOf(a)||null})})}function Ls(t){let{columns:e}=t;return[{key:"dataset",title:"datase\
t",value:n=>t.name("dataset",n.a)},{key:"example_id",title:"example_id",value:n=>e.example_id[n.a]},{key:"model_a",title:"model_a",value:n=>t.name("model",n.a)},
{key:"model_b",title:"model_b",value:n=>t.name("model",n.b)},{key:"failed_a",title:"failed_a",value:n=>e.failed[n.a]===1},{key:"failed_b",title:"failed_b",value:n=>e.
failed[n.b]===1},...m.scope.texts?[{key:"prompt",title:"prompt",value:n=>t.textNow(e.prompt[n.a])},{key:"reference",title:"reference",value:n=>t.textNow(e.reference[n.
a])},{key:"response_a",title:"response_a",value:n=>t.textNow(e.response[n.a])},{key:"response_b",title:"response_b",value:n=>t.textNow(e.response[n.b])}]:[]]}function Bt(t,e,{
a:n,b:r}){let{columns:o}=t,a=s("div",{class:"sides"}),i={diff:!1},l=async()=>{let[c,d]=await Promise.all([t.text(o.response[n]),t.text(o.response[r])]),f=i.diff&&
c!==null&&d!==null?Pn(c,d):null;a.replaceChildren(An(e.model_a,o.failed[n],c,f?.left),An(e.model_b,o.failed[r],d,f?.right))};return m.scope.texts&&l(),s("articl\
e",{class:"example"},s("header",null,s("a",{class:"row-link",href:Z(e.dataset,o.example_id[n])},o.example_id[n]),m.scope.texts&&et("mark differences",!1,c=>{i.diff=
c,l()})),m.scope.texts&&s("dl",{class:"facts"},y("prompt",D(t,o.prompt[n],c=>O(c))),o.reference[n]>=0&&y("expected",D(t,o.reference[n],c=>O(c)))),a)}function An(t,e,n,r){
return s("div",{class:`side ${ae(e)}`},s("p",{class:"side-head"},s("span",null,t),re(e)),O(n,{pieces:r}))}var Ts=500;function Vn(){let{dataset:t,a:e,b:n}=$().parameters;return m.comparisons.find(r=>r.dataset===t&&r.model_a===e&&r.model_b===n)}async function Bn(){let t=Vn();
return t?E(`${t.model_a} or ${t.model_b}`,X([["Comparison",L("comparison")]]),s("p",{class:"lead"},t.compared>0?[t.claim.told,t.note,t.pairing].filter(Boolean).
join(" "):t.pairing||t.claim.told),t.compared>0&&Ms(t),t.slices.length>0&&v("Where that changes",Ns(t)),t.compared>0&&v("Where they disagree",qn(t))):W("compari\
son","comparison")}function Ms(t){return s("div",{class:"panel"},t.claim.inside!==null&&be({label:t.model_a,rate:t.failure_rate_a,note:`failed of ${u(t.compared)}`},
{label:t.model_b,rate:t.failure_rate_b,note:`failed of ${u(t.compared)}`}),!t.claim.flaw&&cn({difference:t.difference,low:t.difference_low,high:t.difference_high,
left:`${t.model_b} better`,right:`${t.model_a} better`}),s("p",{class:"note"},`Only ${t.model_a} is right on ${u(t.discordant_a_wins)}, only ${t.model_b} on ${u(
t.discordant_b_wins)}.`),ie(t.claim))}function Ns(t){return M({name:"slices of the comparison",plain:!0,rows:t.slices,href:e=>U("pairslice",{dataset:t.dataset,a:t.
model_a,b:t.model_b,id:e.slice_id}),columns:[{key:"name",title:"slice",first:!0,value:e=>e.name},{key:"size",title:"examples",number:!0,value:e=>e.size,render:e=>u(
e.size)},{key:"failure_rate_a",title:t.model_a,value:e=>e.claim.inside,render:e=>qe({...e,compared:e.size},"inside")},{key:"failure_rate_b",title:t.model_b,value:e=>e.
claim.outside,render:e=>qe({...e,compared:e.size},"outside")},{key:"winner",title:"winner here",value:e=>e.winner,render:jt},{key:"adjusted_p_value",title:"adj.\
 p",number:!0,value:e=>e.selection_adjusted_p_value,render:e=>F(e.selection_adjusted_p_value)}]})}async function Wn(){let t=Vn(),e=t?.slices.find(a=>a.slice_id===
$().parameters.id);if(!t||!e)return W("slice of a comparison","comparison");let n=e.examples.map(a=>a.example_id),{examples:r}=await T.find({dataset:t.dataset,ids:n},
Ts),o=n.flatMap(a=>Fn(r,t,a)??[]);return E(e.name,X([["Comparison",L("comparison")],[`${t.model_a} or ${t.model_b}`,Oe(t)]]),e.description&&s("p",{class:"lead"},
e.description),s("div",{class:"panel"},e.claim.inside!==null&&be({label:t.model_a,rate:e.failure_rate_a,note:`failed of ${u(e.size)}`},{label:t.model_b,rate:e.failure_rate_b,
note:`failed of ${u(e.size)}`}),s("p",null,e.claim.told),e.claim.inside!==null&&s("p",{class:"note"},`Only ${t.model_a} right: ${u(e.discordant_a_wins)}; only ${t.
model_b} right: ${u(e.discordant_b_wins)}; both right: ${u(e.concordant_pass)}; both wrong: ${u(e.concordant_fail)}. Of the disagreements ${_(e.advantage_rate)}\
 go to ${t.model_a}, elsewhere ${_(e.rest_advantage_rate)} (adjusted p ${F(e.selection_adjusted_p_value)}).`),ie(e.claim)),fe({...e,dataset:t.dataset}),v("Examp\
les",Q(o,a=>Bt(r,t,a),{step:5})))}async function Dn(){let t=m.quality.filter(n=>j({dataset:n.dataset})),e=t.flatMap(n=>n.items);return E("Dataset quality",s("p",{class:"lead"},"What the answers \
say about the datasets themselves: labels that look wrong, copies, items that tell nothing."),t.length===0&&s("p",{class:"empty"},"Not measured yet."),t.length>
0&&v("Figures",...t.map(n=>Os(n,t.length>1))),t.length>0&&v("Items that want a look",Ps(e)))}function Os(t,e){return s("div",{class:"panel"},e&&s("h3",null,t.dataset),
s("dl",{class:"facts measures"},t.measures.map(n=>y(N(n.measure),s("strong",null,js(n)),s("span",{class:"faint"},` ${n.meaning}`)))))}function js(t){return/share|agreement|difference|rate/.
test(t.measure)?_(t.value):q(t.value)}var Wt=["contradictory_label","suspect_label","misjudged_answer","no_error_found","negative_discrimination","duplicate","n\
ear_duplicate","all_models_fail"];function Ps(t){return M({name:"items that want a look",unit:"item",rows:[...t].sort((e,n)=>Wt.indexOf(e.flag)-Wt.indexOf(n.flag)),
href:e=>Z(e.dataset,e.example_id),text:e=>[e.example_id,e.evidence,e.flag].join(" "),filters:[{key:"flag",label:"flags",options:Wt.filter(e=>t.some(n=>n.flag===
e)),matches:(e,n)=>e.flag===n}],empty:"None.",columns:[{key:"example_id",title:"example",first:!0,value:e=>e.example_id},{key:"flag",title:"flag",value:e=>e.flag,
render:e=>N(e.flag)},{key:"dataset",title:"dataset",value:e=>e.dataset,minor:B().length<2},{key:"evidence",title:"evidence",value:e=>e.evidence},{key:"rank_scor\
e",title:"score",number:!0,value:e=>e.rank_score,render:e=>q(e.rank_score)}]})}async function zn(){let{dataset:t,model:e}=V(),n=m.trends.filter(r=>(!t||r.dataset===t)&&(!e||r.model.split("|").includes(e)));return E("Trends",s("p",{class:"l\
ead"},"How findings developed from audit to audit."),n.length===0&&s("p",{class:"empty"},"There is one audit so far; the next one makes a trend."),n.length>0&&Q(
[...n].sort((r,o)=>Number(o.present)-Number(r.present)||o.points.length-r.points.length),As,{step:12}))}function As(t){let e=He(t),n=[t.name===t.kind?"":N(t.kind),
t.model,t.dataset].filter(Boolean).join(" · "),r=t.points.map(o=>({...o,label:o.label.slice(5)}));return s("section",{class:"trend"},s("h2",null,e),s("p",{class:"\
note"},n),st(r,e))}async function In(){let{run:t}=m;return E("Facts of the run",s("p",{class:"lead"},De()),v("From the files to the rows",t.files.ledger&&s("p",
{class:"note"},t.files.ledger),Fs(t)),v("Assets",qs(t)),v("Language models",Vs(t)),m.quarantined.length>0&&v("Rows that were set aside",Bs()),Object.keys(t.parameters).
length>0&&v("Parameters",Hn({seed:t.seed,...t.parameters})),v("Versions",Hn({...t.versions,embedders:t.embedders})))}function Fs(t){let{files:e}=t,n=m.judging.reduce(
(o,a)=>o+a.rows,0),r=o=>m.judging.filter(a=>a.outcome===o).reduce((a,i)=>a+i.rows,0);return s("dl",{class:"facts compact"},y("files",u(e.files)),y("rows read",u(
e.rows_read)),y("kept",u(e.rows_kept)),y("set aside",u(e.rows_quarantined)),y("repeated",u(e.rows_repeated)),y("failures judged",`${u(n)}: ${u(r("error")+r("who\
le_solution_incorrect"))} errors, ${u(r("no_error_found"))} without an error, ${u(r("failed"))} failed`),m.taxonomy&&y("taxonomy",`version ${m.taxonomy.version}\
, made by ${m.taxonomy.method}${m.taxonomy.built_from?` from ${k(m.taxonomy.built_from,"error")}`:""}`),m.taxonomy&&Object.entries(m.taxonomy.quality).filter(([
,o])=>o!==null&&o!==0).map(([o,a])=>y(`taxonomy: ${N(o)}`,q(a))))}function qs(t){return M({name:"assets",plain:!0,rows:t.assets.filter(e=>e.partitions>0),columns:[
{key:"asset",title:"asset",first:!0,value:e=>e.asset},{key:"partitions",title:"partitions",number:!0,value:e=>e.partitions,render:e=>u(e.partitions)},{key:"rows",
title:"rows",number:!0,value:e=>e.rows,render:e=>u(e.rows)},{key:"pending",title:"pending",number:!0,value:e=>e.pending,render:e=>u(e.pending)},{key:"blocked",title:"\
held back by a check",number:!0,value:e=>e.blocked,render:e=>u(e.blocked)},{key:"code_version",title:"code version",number:!0,value:e=>e.code_version}]})}function Vs(t){
return M({name:"what language models cost",plain:!0,rows:t.spent,empty:"No language model was asked: names come from keywords, judgments from rules.",columns:[{
key:"asset",title:"asset",first:!0,value:e=>e.asset},{key:"model",title:"model",value:e=>e.model},{key:"calls",title:"calls",number:!0,value:e=>e.calls,render:e=>u(
e.calls)},{key:"cached",title:"cached",number:!0,value:e=>e.cached,render:e=>u(e.cached)},{key:"failed",title:"failed",number:!0,value:e=>e.failed,render:e=>u(e.
failed)},{key:"prompt_tokens",title:"prompt tokens",number:!0,value:e=>e.prompt_tokens,render:e=>u(e.prompt_tokens)},{key:"completion_tokens",title:"reply token\
s",number:!0,value:e=>e.completion_tokens,render:e=>u(e.completion_tokens)},{key:"cost_usd",title:"USD",number:!0,value:e=>e.cost_usd,render:e=>e.cost_usd===null?
"unknown":e.cost_usd.toFixed(2)}]})}function Bs(){return M({name:"rows that were set aside",plain:!0,rows:m.quarantined,columns:[{key:"reason",title:"reason",first:!0,
value:t=>t.reason},{key:"path",title:"file",value:t=>t.path},{key:"rows",title:"rows",number:!0,value:t=>t.rows,render:t=>u(t.rows)}]})}function Hn(t){let e=Un(
t,"");return s("dl",{class:"facts compact"},e.map(([n,r])=>y(N(n),s("code",null,r))))}function Un(t,e){return Object.entries(t).flatMap(([n,r])=>{if(r==null)return[];
let o=e?`${e} · ${n}`:n;return Array.isArray(r)?r.length?[[o,r.join(", ")]]:[]:typeof r=="object"?Un(r,o):[[o,String(r)]]})}async function Kn(){let t=de().filter(j),e=s("div",{class:"map-place"}),n=null,r=Ws(t,a=>{n&&(!a||a.dataset===n.dataset&&a.model===n.model)&&n.light(a?a.name:null)}),
o=m.audits.filter(j);if(o.length){let a=await T.map(),i=o.find(f=>`${f.dataset} ${f.model}`===$().parameters.map)??ot(o),l=()=>{let f=a.of(i.dataset,i.model),h=Be(
a,f,vt(a,f,i.slices),`Map of the prompts of ${i.dataset}, as ${i.model} answers them`);n={light:h.light,dataset:i.dataset,model:i.model},e.replaceChildren(d(),h.
element)},c=o.map(f=>`${f.dataset} ${f.model}`),d=()=>s("div",{class:"map-head"},s("h2",null,`${i.model} on ${i.dataset}`),c.length>1&&le("map",c,`${i.dataset} ${i.
model}`,f=>{i=o[c.indexOf(f)],P({map:f}),l()},{all:!1}));l()}return E("Failure slices",s("p",{class:"lead"},"Weak spots: groups of prompts in which a model fail\
s more often than on all its other prompts, beyond chance."),r,e)}function Xn(t){return t.estimated_excess_failures??t.excess_failures}function Ws(t,e){return M(
{name:"failure slices",unit:"slice",rows:t,href:ue,hover:e,sort:"-estimated_excess_failures",text:n=>[n.name,n.description,n.root_cause,n.dataset,n.model,n.slice_id].
join(" "),empty:"No region fails significantly more than the rest.",columns:[{key:"name",title:"slice",first:!0,value:n=>n.name},{key:"model",title:"model",value:n=>n.
model},{key:"dataset",title:"dataset",value:n=>n.dataset,minor:B().length<2},{key:"failure_rate",title:"here",value:n=>n.failure_rate,render:at},{key:"baseline_\
rate",title:"elsewhere",number:!0,value:n=>n.baseline_rate,render:n=>n.claim.outside_text},{key:"size",title:"examples",number:!0,value:n=>n.size,render:n=>u(n.
size)},{key:"estimated_excess_failures",title:"failures beyond the rest",number:!0,value:Xn,render:n=>`+${Math.round(Xn(n))}`},{key:"adjusted_p_value",title:"ad\
j. p",number:!0,value:n=>n.adjusted_p_value,render:n=>F(n.adjusted_p_value)},{key:"slice_id",title:"id",hidden:!0,value:n=>n.slice_id}]})}async function Gn(){let{
dataset:t,model:e,id:n}=$().parameters,r=de().find(d=>d.slice_id===n&&d.dataset===t&&d.model===e);if(!r)return W("slice","slices");let o=await T.map(),a=o.names.
slice.indexOf(r.slice_id),i=o.of(t,e),l=i.filter(d=>o.columns.slice[d].includes(a)),c=Be(o,i,[{name:r.name,color:Ve[0],rows:l}],`Map of ${t} with the slice ${r.
name}`);return E(r.name,X([["Failure slices",L("slices")]]),s("p",{class:"lead"},`${r.model} on ${r.dataset}`,r.description&&`. ${r.description}`),s("div",{class:"\
columns"},s("div",null,it(r),fe(r),Ds(r)),c.element),v("Examples",...Hs(r)),lt(r))}function Ds(t){let e=m.signatures.filter(n=>n.scope==="slice"&&n.significant&&
n.slice_id===t.slice_id&&n.model===t.model&&n.dataset===t.dataset);return e.length?s("div",null,s("h2",null,"Kinds of error that gather here"),s("ul",{class:"pl\
ain-list"},e.slice(0,6).map(n=>s("li",null,s("a",{href:ee(n.category_id)},n.category),s("span",{class:"faint"},` ${_(n.rate)} of the errors here, ${_(n.rest_rate)}\
 elsewhere`))))):null}function Hs(t){let e=[t.failures>0?"failed":"",t.failures<t.size?"passed":""].filter(Boolean);return gt({name:`slice-${t.slice_id}`,question:{
dataset:t.dataset,model:t.model,slice:t.slice_id,sort:"-verdict",first:t.examples.map(n=>n.example_id)},unit:"example",total:t.size,verdicts:e,chosen:$().parameters.
show??"",change:n=>P({show:n})})}var zs={overview:Tn,slices:Kn,slice:Gn,taxonomy:kn,category:Rn,signatures:$n,comparison:dn,pair:Bn,pairslice:Wn,coverage:yn,gap:bn,production:hn,topic:gn,quality:Dn,
examples:En,example:Sn,trends:zn,run:In};function Is(){let t=s("nav",{id:"menu","aria-label":"Views"},s("ul",null,Ae.filter(([r])=>en?.includes(r)??!0).map(([r,
o])=>s("li",null,s("a",{"data-view":r},o))))),e=s("button",{type:"button",class:"menu-button","aria-expanded":"false","aria-controls":"menu",click:()=>n(!t.classList.
contains("open"))},"Menu");function n(r){t.classList.toggle("open",r),e.setAttribute("aria-expanded",String(r))}return addEventListener("hashchange",()=>n(!1)),
s("header",{class:"frame"},s("div",{class:"brand"},s("a",{href:"#/"},"faultmap"),e),t,s("div",{class:"choices"}),s("div",{class:"frame-tools"},s("button",{type:"\
button",class:"quiet",click:Ye},"Light / dark"),s("button",{type:"button",class:"quiet",click:Lt,"aria-label":"Keys and help"},"Keys")))}function Us(){let{view:t}=$(),
{dataset:e,model:n}=V();for(let a of document.querySelectorAll("#menu a")){let i=a.dataset.view??"";a.setAttribute("href",L(i)),i===(Zt[t]??t)?a.setAttribute("a\
ria-current","page"):a.removeAttribute("aria-current")}let r=Ae.some(([a])=>a===t)&&t!=="coverage"&&t!=="run",o=[r&&B().length>1?le("datasets",B(),e,a=>Rt({dataset:a})):
null,r&&t!=="quality"&&kt().length>1?le("models",kt(),n,a=>Rt({model:a})):null].filter(a=>a!==null);document.querySelector(".choices")?.replaceChildren(...o)}var Jn=0;
async function Qn(t=!1){let e=++Jn,{view:n}=$();Us();let r=await(zs[n]??(async()=>W("view","overview")))().catch(a=>E("This view could not be drawn",s("p",null,
a.message)));if(e!==Jn)return;let o=document.getElementById("main");o.replaceChildren(r),document.title=`${r.dataset.title} · faultmap`,sn()?o.querySelector("i\
nput[type=search]")?.focus():t||(scrollTo(0,0),o.querySelector("h1")?.focus({preventScroll:!0}))}async function Yn(){tn();try{zt(await T.findings())}catch(t){document.
getElementById("main").replaceChildren(s("h1",null,"The findings could not be read"),me(t,()=>{Yn()}));return}document.getElementById("main")?.classList.remove(
"plain"),document.body.prepend(s("a",{class:"skip",href:"#main",click:t=>{t.preventDefault(),document.querySelector("h1")?.focus()}},"Skip to the content"),Is()),
addEventListener("hashchange",()=>{Qn()}),addEventListener("keydown",rn),await Qn(!0),document.documentElement.dataset.ready="true",setTimeout(()=>{T.map().catch(
()=>{})},200)}Yn();})();
