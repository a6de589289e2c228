import '../../styles/base.css'
import { createApp } from 'vue'
import MemberPage from '../join/MemberPage.vue'

createApp(MemberPage, { arrived: 'room' }).mount('#page')
